"""What the account's templates ask."""

import ipaddress
from typing import Any

from allauth.account.adapter import get_adapter
from django import template
from django.http import HttpRequest
from django.http.request import split_domain_port

register = template.Library()


@register.simple_tag(takes_context=True)
def sign_up_is_open(context: dict[str, Any]) -> bool:
    """Tell whether whoever looks at the page may sign up."""
    return bool(get_adapter().is_open_for_signup(context["request"]))


@register.simple_tag(takes_context=True)
def passkeys_work_at(context: dict[str, Any]) -> str:
    """Return the origin to open instead, if this one is an IP address, for which no passkey can be."""
    request: HttpRequest = context["request"]
    name, port = split_domain_port(request.get_host())
    try:
        ip = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return ""
    if not ip.is_loopback:
        return "the hub by its name"
    return f"{request.scheme}://localhost" + (f":{port}" if port else "")
