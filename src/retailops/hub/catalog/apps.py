from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "retailops.hub.catalog"
    label = "catalog"
