"""The published schema, put together: drf-spectacular walks Django's routes, this adds the rest."""

import re
from typing import Any

from hub.api.endpoint import Endpoint
from hub.api.openapi import PROBLEM, Json, components_of, operation_of
from hub.api.openapi_headers import SECURITY, SECURITY_SCHEMES
from hub.urls import live_urlpatterns


def complete(result: Json, generator: Any, **_: Any) -> Json:
    """Add what drf-spectacular cannot see: live endpoints, components, security scheme (its hook)."""
    endpoints: list[Endpoint] = [
        getattr(callback.cls, callback.actions[method.lower()]).endpoint
        for _, _, method, callback in generator.endpoints
    ]
    for pattern in live_urlpatterns:
        callback: Any = pattern.callback
        consumer = callback.consumer_class
        path = "/" + re.sub(r"<str:(\w+)>", r"{\1}", str(pattern.pattern))
        operation = operation_of(consumer.endpoint, path, consumer.method)
        result["paths"].setdefault(path, {})[consumer.method.lower()] = operation
        endpoints.append(consumer.endpoint)
    structs = {struct for e in endpoints for struct in (e.body, e.answer) if struct is not None}
    components = components_of(sorted(structs, key=lambda struct: struct.__name__))[1]
    result["components"] = {
        "schemas": {"Problem": PROBLEM, **components},
        "securitySchemes": SECURITY_SCHEMES,
    }
    result["security"] = SECURITY
    return result
