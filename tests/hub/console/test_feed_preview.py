"""A feed template shows what it makes of a product, or what is wrong with it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from retailops.hub.channels.models import FeedTemplate
from tests.hub.console.demo import Demo, LogIn


@pytest.mark.parametrize(
    "template, shown",
    [({"Title": "${product.name}"}, "Title"), ({"Title": "${no_such_name}"}, "no_such_name")],
)
def test_a_template_is_previewed(log_in: LogIn, demo: Demo, template: dict[str, str], shown: str) -> None:
    stored = FeedTemplate.objects.create(name="Ours", template=template)
    reply = log_in("alma").get(reverse("admin:channels_feedtemplate_change", args=[stored.pk]))
    assert reply.status_code == 200
    preview = reply.content.decode().partition('class="c-code"')[2].partition("</pre>")[0]
    assert shown in preview
