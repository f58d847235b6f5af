"""Web pages: two middleware classes beside Django's own, the look of forms, and the error pages."""

import sys
from typing import Any

from csp import middleware as csp
from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.core.exceptions import BadRequest
from django.forms.renderers import TemplatesSetting
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseNotFound
from django.http.response import HttpResponseBase
from django.middleware import common
from django.shortcuts import render
from django.template import loader

from hub.api.exchange import exchange_of
from hub.api.problems import refusal_of
from realms.refusal import Refusal

ADMIN_PREFIX = "/admin/"
# Unfold needs these. Alpine makes functions of the expressions in its attributes; the theme's colours stand
# in a style element, and some widths in attributes. No script stands in a page all the same.
ADMIN_POLICY = {
    "script-src": [SELF, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
}


class CommonMiddleware(common.CommonMiddleware):
    def process_request(self, request: HttpRequest) -> Any:
        """Refuse NUL in a query: PostgreSQL stores it in no text."""
        if "%00" in request.META.get("QUERY_STRING", ""):
            raise BadRequest("NUL in the query")
        return super().process_request(request)


class CspMiddleware(csp.CSPMiddleware):
    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> csp.PolicyParts:
        """Return the policy of the settings, loosened for the admin alone."""
        parts = super().get_policy_parts(request, response, report_only)
        if request.path_info.startswith(ADMIN_PREFIX):
            parts.replace = ADMIN_POLICY
        return parts


def csp_nonce(request: HttpRequest) -> dict[str, Any]:
    """Template context: the nonce that a script element needs to be run."""
    return {"csp_nonce": getattr(request, "csp_nonce", "")}


class FormRenderer(TemplatesSetting):
    """Renders forms and their fields with the hub's templates."""

    form_template_name = "hub/form.html"
    field_template_name = "hub/field.html"


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a path that names no page."""
    return HttpResponseNotFound(render(request, "hub/not_found.html").content)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django could not read; its own page would read the form once more."""
    page = loader.render_to_string("hub/bad_request.html", {"request_id": exchange_of(request).request_id})
    return HttpResponseBadRequest(page)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a page that ended in an error."""
    error = sys.exception()
    refusal = refusal_of(error) if isinstance(error, Exception) else Refusal("internal_error")
    shown = {
        "refusal": refusal,
        "retry_after": refusal.headers.get("Retry-After"),  # people do not see headers
        "request_id": exchange_of(request).request_id,
    }
    page = loader.render_to_string("hub/server_error.html", shown)
    return HttpResponse(page, status=refusal.status, headers=refusal.headers)
