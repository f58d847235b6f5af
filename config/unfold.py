"""What the operators' admin is called and what its sidebar leads to, as django-unfold reads it."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy

from hub.version import VERSION


def _link(title: str, icon: str, model: str) -> dict[str, Any]:
    """Return a link to the admin's list of `model` (`app.name`), for those who may see it."""
    app, name = model.split(".")
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{name}_changelist"),
        "permission": lambda request: request.user.has_perm(f"{app}.view_{name}"),
    }


SETTINGS = {
    "SITE_TITLE": "AISP Hub",
    "SITE_HEADER": "AISP Hub",
    "SITE_SUBHEADER": f"Operators · {VERSION}",
    "SHOW_VIEW_ON_SITE": False,
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _: static("hub/icon.svg")},
    ],
    "STYLES": [lambda _: static("hub/admin.css")],
    "COLORS": {
        # Blue, as the console's links and buttons are.
        "primary": {
            "50": "oklch(97% .014 254.6)",
            "100": "oklch(93.2% .032 255.6)",
            "200": "oklch(88.2% .059 254.1)",
            "300": "oklch(80.9% .105 251.8)",
            "400": "oklch(74% .14 254.6)",
            "500": "oklch(69% .17 256)",
            "600": "oklch(50% .19 259)",
            "700": "oklch(45% .18 260)",
            "800": "oklch(40% .16 262)",
            "900": "oklch(34% .13 264)",
            "950": "oklch(27% .09 266)",
        }
    },
    "DASHBOARD_CALLBACK": "hub.dashboard.dashboard",
    "SIDEBAR": {
        "show_search": True,
        "navigation": [
            {
                "title": "Tenants",
                "items": [
                    _link("Realms", "apartment", "realms.realm"),
                    _link("Members", "group", "realms.membership"),
                    _link("Invitations", "outgoing_mail", "realms.invitation"),
                    _link("API keys", "key", "realms.apikey"),
                    _link("Audit log", "history", "realms.auditevent"),
                ],
            },
            {
                "title": "Protocol",
                "items": [
                    _link("Sessions", "smart_toy", "hub.session"),
                    _link("Messages", "mail", "hub.message"),
                    _link("Memory entries", "database", "hub.memoryentry"),
                    _link("Memory namespaces", "folder_managed", "hub.memorynamespace"),
                    _link("Grants", "handshake", "hub.grant"),
                ],
            },
            {
                "title": "People",
                "items": [
                    _link("Users", "person", "accounts.user"),
                    _link("E-mail addresses", "alternate_email", "account.emailaddress"),
                ],
            },
        ],
    },
}
