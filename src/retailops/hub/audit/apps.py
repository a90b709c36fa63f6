from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "retailops.hub.audit"
    label = "audit"
