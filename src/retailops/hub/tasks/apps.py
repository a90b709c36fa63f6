from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "retailops.hub.tasks"
    label = "tasks"
