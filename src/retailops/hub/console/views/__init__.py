"""The screens that are not a table's list or record."""
