"""The docs as web pages: what is written, and what the hub says of itself."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from hub.docs.contents import ALL_PAGES, CONTENTS, WRITTEN, neighbours
from hub.docs.markdown import render_line
from hub.docs.pages import pages_naming, rendered
from hub.docs.reference import operations_refusing, reference
from realms.problems import PROBLEMS

HEADINGS_OF_A_LONG_PAGE = 3
BY_SLUG = {page.slug: page for page in ALL_PAGES}


def index(request: HttpRequest) -> HttpResponse:
    """Say what the hub is, and list the pages."""
    return render(request, "docs/index.html", {"contents": CONTENTS})


def written_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a page that is written."""
    if slug not in WRITTEN:
        raise Http404
    page = rendered(slug)
    is_long = len(page.headings) >= HEADINGS_OF_A_LONG_PAGE
    said = {"html": page.html, "headings": page.headings if is_long else ()}
    return _page(request, "docs/written.html", slug, said)


def reference_page(request: HttpRequest) -> HttpResponse:
    """List every operation."""
    return _page(request, "docs/reference.html", "reference", {"reference": reference()})


def problem_index(request: HttpRequest) -> HttpResponse:
    """List every problem."""
    return _page(request, "docs/problems.html", "problems", {"problems": sorted(PROBLEMS.items())})


def problem_page(request: HttpRequest, code: str) -> HttpResponse:
    """Explain a problem to a person."""
    if code not in PROBLEMS:
        raise Http404
    said = {
        "code": code,
        "problem": PROBLEMS[code],
        "means": render_line(PROBLEMS[code].means),
        "fix": render_line(PROBLEMS[code].fix),
        "is_common": code in reference().common,
        "operations": operations_refusing(code),
        "guides": pages_naming(code),
    }
    return render(
        request, "docs/problem.html", {"contents": CONTENTS, "current": BY_SLUG["problems"], **said}
    )


def _page(request: HttpRequest, template: str, slug: str, said: dict[str, Any]) -> HttpResponse:
    """Show one page of the contents, with what stands before and after it."""
    page = BY_SLUG[slug]
    before, after = neighbours(page)
    place = {"contents": CONTENTS, "current": page, "before": before, "after": after}
    return render(request, template, {**place, **said})
