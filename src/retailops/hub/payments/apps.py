from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "retailops.hub.payments"
    label = "payments"
