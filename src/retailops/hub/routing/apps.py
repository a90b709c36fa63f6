from django.apps import AppConfig


class RoutingConfig(AppConfig):
    name = "retailops.hub.routing"
    label = "routing"
