"""The API's addresses.

Everything that ends in .json, and everything under a family's name, so that a wrong address of an action is told
what is wrong with it.
"""

import re

from django.urls import re_path

from retailops.hub.api.actions import REGISTRY
from retailops.hub.api.views import dispatch


def _any_case(text: str) -> str:
    """A pattern for a word in any case; `reverse()` of other addresses can't read inline flags."""
    return "".join(f"[{letter.lower()}{letter.upper()}]" for letter in text)


_families = "|".join(sorted({_any_case(action.name.split(".")[0]) for action in REGISTRY}))
_json = re.escape(".") + _any_case("json")
_anything = "[\\s\\S]*"

urlpatterns = [
    re_path(rf"\A(?:/*(?:{_families})(?:[/~.]{_anything})?|{_anything}{_json})\Z", dispatch, name="api")
]
