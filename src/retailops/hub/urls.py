"""The hub's addresses. `/livez`, `/readyz` and `/metrics` are answered before routing, see `observability.health`."""

from django.urls import include, path
from django.views.generic import RedirectView

from retailops.hub.console.site import site

urlpatterns = [
    path("", RedirectView.as_view(url="/console/")),
    path("console/", site.urls),
    path("", include("retailops.hub.api.urls")),
]
