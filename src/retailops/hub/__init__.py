"""The hub: the system of record, a Django project."""
