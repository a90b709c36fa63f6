"""How the hub shows what it does: logs, metrics, health."""
