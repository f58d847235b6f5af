"""The written pages as HTML, each made once in a process."""

import re
from functools import cache

from django.conf import settings

from hub.docs.contents import WRITTEN, Page
from hub.docs.markdown import Rendered, render

ORIGIN = "{{ origin }}"


def source_of(page: Page, *, origin: str) -> str:
    """Return a page's Markdown, in which the hub has this origin."""
    assert page.source is not None
    return page.source.read_text().replace(ORIGIN, origin)


@cache
def rendered(slug: str) -> Rendered:
    """Return a written page as HTML."""
    return render(source_of(WRITTEN[slug], origin=settings.HUB_ORIGIN))


@cache
def _naming() -> dict[str, list[Page]]:
    naming: dict[str, list[Page]] = {}
    for page in WRITTEN.values():
        for code in dict.fromkeys(re.findall(r"\(/docs/problems/(\w+)\)", source_of(page, origin=""))):
            naming.setdefault(code, []).append(page)
    return naming


def pages_naming(code: str) -> list[Page]:
    """Return the written pages that link to a problem."""
    return _naming().get(code, [])
