from django.apps import AppConfig


class FulfilmentConfig(AppConfig):
    name = "retailops.hub.fulfilment"
    label = "fulfilment"
