from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "retailops.hub.accounts"
    label = "accounts"
