"""The formats of the console, for templates."""

from django import template

from retailops.hub.console import formats

register = template.Library()

register.filter("moment", formats.moment)
register.filter("quantity", formats.quantity)
register.filter("duration", formats.duration)
register.simple_tag(formats.money, name="money")
register.simple_tag(formats.chip, name="chip")
