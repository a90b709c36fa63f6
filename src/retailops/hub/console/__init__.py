"""The operators' console: one admin site, with the task-shaped screens among its pages."""
