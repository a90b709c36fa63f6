"""RetailOps: the open retail operations hub, and the tools around it."""

__version__ = "0.1.0"
