from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "retailops.hub.orders"
    label = "orders"
