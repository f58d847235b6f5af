"""What web pages have: Django's middleware, stepping aside for the API, and how forms look.

A request under `/api/` carries its credential in a header and has neither cookie nor session, so that
the web's middleware would only cost it time (45 of some 125 µs of a thin view).
"""

from typing import Any, Protocol

from allauth.account.middleware import AccountMiddleware as AllauthMiddleware
from csp import middleware as csp
from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as flash
from django.contrib.sessions import middleware as sessions
from django.core.exceptions import BadRequest
from django.forms.renderers import TemplatesSetting
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware import clickjacking, common, csrf
from whitenoise import middleware as whitenoise

from accounts import middleware as accounts
from hub.api.middleware import UNOBSERVED
from hub.api.problems import API_PREFIX

API_DOCS_PREFIX = "/api/docs"
ADMIN_PREFIX = "/admin/"
# What Unfold cannot do without. Alpine makes functions of the expressions in its attributes; the theme's
# colours stand in a style element, and some widths in attributes. No script stands in a page all the same.
ADMIN_POLICY = {
    "script-src": [SELF, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
}


class _Middleware(Protocol):
    get_response: Any

    def __call__(self, request: HttpRequest) -> Any: ...


def is_for_a_page(request: HttpRequest) -> bool:
    """Tell whether a request is a browser's: neither of the API, nor a probe's.

    Probes ask a process by its address, which is no name that pages answer to.
    """
    return not request.path_info.startswith(API_PREFIX) and request.path_info not in UNOBSERVED


class PagesOnly:
    """Mixin in front of a middleware class: requests of the API and of probes go straight on."""

    def __call__(self: _Middleware, request: HttpRequest) -> Any:
        if not is_for_a_page(request):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[safe-super]


class WhiteNoiseMiddleware(PagesOnly, whitenoise.WhiteNoiseMiddleware): ...


class SessionMiddleware(PagesOnly, sessions.SessionMiddleware): ...


class CommonMiddleware(PagesOnly, common.CommonMiddleware):
    def process_request(self, request: HttpRequest) -> Any:
        """Refuse NUL in a query, which PostgreSQL takes in no text."""
        if "%00" in request.META.get("QUERY_STRING", ""):
            raise BadRequest("NUL in the query")
        return super().process_request(request)


class CsrfViewMiddleware(PagesOnly, csrf.CsrfViewMiddleware): ...


class AuthenticationMiddleware(PagesOnly, auth.AuthenticationMiddleware): ...


class MessageMiddleware(PagesOnly, flash.MessageMiddleware): ...


class XFrameOptionsMiddleware(PagesOnly, clickjacking.XFrameOptionsMiddleware): ...


class AccountMiddleware:
    """Allauth's, which is a function, for pages only."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response
        self.for_pages = AllauthMiddleware(get_response)
        self.process_exception = self.for_pages.process_exception

    def __call__(self, request: HttpRequest) -> Any:
        """Go straight on with what is for no page."""
        return self.for_pages(request) if is_for_a_page(request) else self.get_response(request)


class SeenSessionsMiddleware(PagesOnly, accounts.SeenSessionsMiddleware): ...


class OwnPasswordMiddleware(PagesOnly, accounts.OwnPasswordMiddleware): ...


class CspMiddleware(csp.CSPMiddleware):
    def __call__(self, request: HttpRequest) -> Any:
        """Step aside for the API, but not for the pages that describe it."""
        if not is_for_a_page(request) and not request.path_info.startswith(API_DOCS_PREFIX):
            return self.get_response(request)
        return super().__call__(request)

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> csp.PolicyParts:
        """Return the policy of the settings, loosened for the admin alone."""
        parts = super().get_policy_parts(request, response, report_only)
        if request.path_info.startswith(ADMIN_PREFIX):
            parts.replace = ADMIN_POLICY
        return parts


def csp_nonce(request: HttpRequest) -> dict[str, Any]:
    """Template context: what a script element has to carry to be run."""
    return {"csp_nonce": getattr(request, "csp_nonce", "")}


class FormRenderer(TemplatesSetting):
    """Renders forms and their fields with the hub's templates."""

    form_template_name = "hub/form.html"
    field_template_name = "hub/field.html"
