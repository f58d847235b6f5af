"""What the account's templates ask."""

import ipaddress
import re
from typing import Any

from allauth.account.adapter import get_adapter
from django import template
from django.http import HttpRequest
from django.http.request import split_domain_port

from accounts import factors

register = template.Library()
register.simple_tag(factors.has_passkey)

# In this order: a browser names itself after those whose pages it wants to get.
BROWSERS = ("Edg", "OPR", "Firefox", "Chrome", "Safari")
NAMES = {"Edg": "Edge", "OPR": "Opera", "Mac OS X": "macOS", "like Mac OS X": "iOS"}
SYSTEMS = ("Android", "like Mac OS X", "Mac OS X", "Windows", "CrOS", "Linux")


@register.filter
def browser(user_agent: str) -> str:
    """Return what a User-Agent header says, `Firefox 140 on Linux`; its beginning if nothing known."""
    found = next(
        (re.search(rf"{name}/(\d+)", user_agent) for name in BROWSERS if f"{name}/" in user_agent), None
    )
    if not found:
        return user_agent[:60] or "not told"
    name = found[0].split("/")[0]
    system = next((one for one in SYSTEMS if one in user_agent), "")
    where = f" on {NAMES.get(system, system)}" if system else ""
    return f"{NAMES.get(name, name)} {found[1]}{where}"


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
