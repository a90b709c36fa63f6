from django.apps import AppConfig


class ChannelsConfig(AppConfig):
    name = "retailops.hub.channels"
    label = "channels"
