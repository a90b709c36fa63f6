from django.apps import AppConfig


class ReturnsConfig(AppConfig):
    name = "retailops.hub.returns"
    label = "returns"
