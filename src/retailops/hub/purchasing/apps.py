from django.apps import AppConfig


class PurchasingConfig(AppConfig):
    name = "retailops.hub.purchasing"
    label = "purchasing"
