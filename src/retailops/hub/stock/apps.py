from django.apps import AppConfig


class StockConfig(AppConfig):
    name = "retailops.hub.stock"
    label = "stock"
