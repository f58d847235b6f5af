"""The published schema (OpenAPI 3.1), piece by piece, from the declarations of the endpoints.

Bodies, answers and parameters are the structs that the endpoints decode and encode with, so that the
schema cannot say anything else than what the hub does.
"""

import re
from collections import defaultdict
from collections.abc import Collection
from typing import Any

import msgspec
from drf_spectacular.openapi import AutoSchema

from hub.api import examples
from hub.api.endpoint import Endpoint, Link
from hub.api.event_stream import EVENT_STREAM, STREAM_EVENT
from hub.api.media_types import JSON
from hub.api.openapi_headers import (
    ALLOW_HEADER,
    CHALLENGE_HEADER,
    IDEMPOTENCY_PARAMETER,
    LIMIT_HEADERS,
    LINK_HEADER,
    REPLAYED_HEADER,
    REQUEST_ID_HEADER,
    RETRY_HEADER,
    SECURITY,
)
from hub.api.problems import PROBLEM_JSON
from hub.memory.bodies import MemoryKey
from hub.wire import STRICT_END, Instant
from realms import ids
from realms.problems import PROBLEMS

COMPONENTS = "#/components/schemas/"

Json = dict[str, Any]

_ID_PARAMETERS = {
    "session_id": (ids.SESSION, "A session of the caller's realm."),
    "message_id": (ids.MESSAGE, "A message that the acting session sent."),
    "grant_id": (ids.GRANT, "A grant of the acting session."),
}
_DOCUMENT = {"type": "object", "required": ["openapi", "info", "paths", "components"]}

PROBLEM: Json = {
    "type": "object",
    "description": "RFC 9457.",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "A page that explains the problem."},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "What is wrong here, and what to do next."},
        "code": {"type": "string", "pattern": "^[a-z][a-z0-9_]*$", "description": "Stable."},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "RFC 6901, into the body; or /parameter."},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}


def _schema_of_custom(kind: type) -> Json:
    if kind is Instant:
        return {"type": "string", "format": "date-time", "examples": ["2026-04-07T00:00:00Z"]}
    if kind is msgspec.Raw:
        return {}
    raise NotImplementedError(kind)


def components_of(structs: Collection[type]) -> tuple[list[Json], Json]:
    """Return a schema for each struct, and the components that they refer to."""
    schemas, components = msgspec.json.schema_components(
        list(structs), schema_hook=_schema_of_custom, ref_template=COMPONENTS + "{name}"
    )
    for struct in structs:
        # What holds between members, which their types cannot say.
        if rules := getattr(struct, "schema_rules", None):
            components[struct.__name__] |= rules
    return [_ecma(schema) for schema in schemas], _ecma(components)


def _ecma(schema: Any) -> Any:
    """Return a schema with patterns as ECMA-262 has them, which needs no look-ahead at the end."""
    if isinstance(schema, dict):
        return {
            name: value.replace(STRICT_END, "$") if name == "pattern" else _ecma(value)
            for name, value in schema.items()
        }
    return [_ecma(item) for item in schema] if isinstance(schema, list) else schema


def operation_of(endpoint: Endpoint, path: str, method: str) -> Json:
    """Return the OpenAPI operation of an endpoint."""
    tag = "tokens" if path.startswith("/.well-known/") else re.sub(r"^/?api/v1/", "", path).split("/")[0]
    operation: Json = {
        "operationId": f"{tag}_{endpoint.name}",
        "summary": endpoint.summary,
        "description": endpoint.description,
        "tags": [tag],
        "parameters": [
            *_path_parameters(path),
            *_header_parameters(endpoint, method),
            *_query_parameters(endpoint),
        ],
        "security": [] if endpoint.public else SECURITY,
        "responses": {"200": _success(endpoint, method), **_refusals(endpoint, path, method)},
    }
    if endpoint.body is not None:
        content: Json = {"schema": {"$ref": COMPONENTS + endpoint.body.__name__}}
        if endpoint.example.body is not None:
            content["examples"] = {"reference": {"value": endpoint.example.body}}
        operation["requestBody"] = {"content": {JSON: content}, "required": not endpoint.body_optional}
    return operation


def _path_parameters(path: str) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, **_path_parameter(name)}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _path_parameter(name: str) -> Json:
    example = examples.PATH_PARAMETERS[name]
    if name in _ID_PARAMETERS:
        prefix, what = _ID_PARAMETERS[name]
        return {"description": what, "schema": _id_schema(prefix), "example": example}
    [schema], _ = components_of([MemoryKey])
    return {"description": "The key of an entry.", "schema": schema, "example": example}


def _id_schema(prefix: str) -> Json:
    return {"type": "string", "pattern": ids.id_pattern(prefix)}


def _header_parameters(endpoint: Endpoint, method: str) -> list[Json]:
    parameters = []
    if method.upper() == "POST":
        parameters.append(IDEMPOTENCY_PARAMETER)
    if endpoint.acts or endpoint.may_act:
        what = "The acting session, one of the API key's own. Not needed if the key owns exactly one."
        parameters.append(_header_parameter("X-AISP-Session", ids.SESSION, what, examples.FIRST_SESSION))
    if endpoint.answer is None and not endpoint.public:
        for name in ("Last-Event-ID", "X-Last-Event-ID"):
            what = "The last message that the client has."
            parameters.append(_header_parameter(name, ids.MESSAGE, what, examples.MESSAGE))
    return parameters


def _header_parameter(name: str, prefix: str, what: str, example: str) -> Json:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": what,
        "schema": _id_schema(prefix),
        "example": example,
    }


def _query_parameters(endpoint: Endpoint) -> list[Json]:
    _, components = components_of([endpoint.query])
    properties = components[endpoint.query.__name__]["properties"]
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": _description(schema),
            "schema": _not_null(schema),
        }
        for name, schema in properties.items()
    ]


def _description(schema: Json) -> str:
    inner = next((s.get("description", "") for s in schema.get("anyOf", []) if "description" in s), "")
    return str(schema.get("description", inner))


def _not_null(schema: Json) -> Json:
    """Return the schema of a parameter, which is left out rather than null."""
    schema = {name: value for name, value in schema.items() if name != "description"}
    choices = [choice for choice in schema.pop("anyOf", []) if choice != {"type": "null"}]
    if len(choices) == 1:
        schema = {**choices[0], **schema}
    elif choices:
        schema["anyOf"] = choices
    if schema.get("default", "") is None:
        del schema["default"]
    if "enum" in schema:
        values = [value for value in schema["enum"] if value is not None]
        schema |= {"type": "string", "enum": values}
    return schema


def _success(endpoint: Endpoint, method: str) -> Json:
    headers = {"X-Request-ID": REQUEST_ID_HEADER, **LIMIT_HEADERS}
    if endpoint.paged:
        headers["Link"] = LINK_HEADER
    if method.upper() == "POST":
        headers["Idempotent-Replayed"] = REPLAYED_HEADER
    if endpoint.public and endpoint.answer is None:
        return {
            "description": "This schema.",
            "headers": headers,
            "content": {JSON: {"schema": _DOCUMENT}, "application/yaml": {"schema": _DOCUMENT}},
        }
    if endpoint.answer is None:
        stream = {"schema": STREAM_EVENT, "examples": {"reference": {"value": endpoint.example.answer}}}
        return {
            "description": "The stream, event by event.",
            "headers": headers,
            "content": {EVENT_STREAM: stream},
        }
    media: Json = {"schema": {"$ref": COMPONENTS + endpoint.answer.__name__}}
    if endpoint.example.answer is not None:
        media["examples"] = {"reference": {"value": endpoint.example.answer}}
    success: Json = {
        "description": (endpoint.answer.__doc__ or "").strip(),
        "headers": headers,
        "content": {JSON: media},
    }
    if endpoint.links:
        success["links"] = {link.to: _link(link) for link in endpoint.links}
    return success


def _link(link: Link) -> Json:
    return {"operationId": link.to, "description": link.description, "parameters": link.parameters}


def _refusals(endpoint: Endpoint, path: str, method: str) -> Json:
    by_status: dict[int, list[str]] = defaultdict(list)
    codes = endpoint.all_refusals(method)
    if "{" in path:
        codes.append("not_found")  # a parameter that is empty or holds a slash makes another path of it
    for code in codes:
        by_status[PROBLEMS[code].status].append(code)
    return {str(status): _refusal(status, codes) for status, codes in sorted(by_status.items())}


def _refusal(status: int, codes: list[str]) -> Json:
    headers: Json = {"X-Request-ID": REQUEST_ID_HEADER, **LIMIT_HEADERS}
    if status in (429, 503):
        headers["Retry-After"] = RETRY_HEADER
    if status == 401:
        headers["WWW-Authenticate"] = CHALLENGE_HEADER
    if status == 405:
        headers["Allow"] = ALLOW_HEADER
    schema = {
        "allOf": [
            {"$ref": COMPONENTS + "Problem"},
            {"properties": {"status": {"const": status}, "code": {"enum": codes}}},
        ]
    }
    shown = {code: {"summary": PROBLEMS[code].title, "value": _example(code)} for code in codes}
    return {
        "description": "; ".join(f"`{code}`: {PROBLEMS[code].title}" for code in codes),
        "headers": headers,
        "content": {PROBLEM_JSON: {"schema": schema, "examples": shown}},
    }


def _example(code: str) -> Json:
    problem = PROBLEMS[code]
    return {
        "type": f"https://hub.example.com/docs/problems/{code}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.fix,
        "code": code,
        "request_id": "6f1b9c0e3d5a4f7b8c2d1e0f9a8b7c6d",
    }


class HubSchema(AutoSchema):
    """Gives drf-spectacular the operation that a viewset's method declares."""

    def get_operation(self, path: str, *args: Any) -> Json:
        """Return the operation of the view's current action."""
        view: Any = self.view
        return operation_of(getattr(view, view.action).endpoint, path, args[2])
