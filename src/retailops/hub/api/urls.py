"""The API's addresses.

Everything that ends in .json, and everything under a family's name, so that a wrong address of an action is told
what is wrong with it.
"""

import re

from django.urls import re_path

from retailops.hub.api.actions import REGISTRY
from retailops.hub.api.views import dispatch

_families = "|".join(sorted({re.escape(action.name.split(".")[0].lower()) for action in REGISTRY}))

urlpatterns = [re_path(rf"(?is)\A(?:/*(?:{_families})(?:[/~.].*)?|.*\.json)\Z", dispatch, name="api")]
