"""Conformance: whatever the hub answers in any test is what its published schema says.

An answer to a documented operation has a documented status and content type, and a body and headers that
the schema describes. Answers with 200 have no member that the schema does not name: the published schema
leaves room for later versions of the hub, and this one has to name all it sends. A request that got 2xx
was valid by the schema, so that the schema is no stricter than the hub.
"""

import copy
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from hub.api.schema import document

SOMETIMES = ("Idempotent-Replayed", "Link")  # headers that not every answer has
PROBLEM_JSON = "application/problem+json"
_ROOT = "urn:hub"


def check_conformance(
    method: str,
    path: str,
    status: int,
    headers: Mapping[str, str],
    content: bytes,
    sent: bytes = b"",
) -> None:
    """Assert that an answer, and the request if it was granted, are as the published schema says.

    Args:
        path: with or without a query.
        content: the body of the answer.
        sent: the body of the request.
    """
    where = f"{method} {path} -> {status}"
    media_type = headers.get("Content-Type", "").split(";")[0].strip()
    template = _template_of(path.partition("?")[0])
    operation = document()["paths"].get(template, {}).get(method.lower())
    if operation is None:
        # 404 for a path that names nothing, 405 for a method that the path does not take.
        if path.startswith("/api/v1/") and status != 204:
            assert media_type == PROBLEM_JSON, where
            expected = "not_found" if template is None else "method_not_allowed"
            assert msgspec.json.decode(content)["code"] == expected, where
        return
    assert str(status) in operation["responses"], f"{where}: the status is not documented: {content!r}"
    pointer = f"/paths/{_escaped(str(template))}/{method.lower()}"
    response = operation["responses"][str(status)]
    assert media_type in response["content"], f"{where}: {media_type} is not documented"
    for name in response["headers"]:
        assert name in SOMETIMES or name in headers, f"{where}: the header {name} is missing"
    if media_type.endswith("json"):
        place = f"{pointer}/responses/{status}/content/{_escaped(media_type)}/schema"
        _validate(place, content, f"{where}, which answered")
    if status == 200 and sent and "requestBody" in operation:
        place = f"{pointer}/requestBody/content/application~1json/schema"
        _validate(place, sent, f"{where}, which was granted what the schema refuses:")


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")


def _validate(pointer: str, text: bytes, where: str) -> None:
    value = msgspec.json.decode(text)
    errors = [f"{error.json_path}: {error.message}" for error in _validator(pointer).iter_errors(value)]
    assert not errors, f"{where} {text!r}\n" + "\n".join(errors)


@cache
def _validator(pointer: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"{_ROOT}#{pointer}"}, registry=_registry())


@cache
def _registry() -> Registry[Any]:
    resource = DRAFT202012.create_resource(_closed(document()))
    registry: Registry[Any] = Registry().with_resource(_ROOT, resource)
    return registry


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the document with every component but the problem closed to members it does not name."""
    closed = copy.deepcopy(schema)
    for name, component in closed["components"]["schemas"].items():
        if name != "Problem" and "properties" in component:
            component["additionalProperties"] = False
    return closed


@cache
def _templates() -> list[tuple[str, re.Pattern[str]]]:
    """Return every path with the pattern of what it names; those without parameters come first."""
    paths = sorted(document()["paths"], key=lambda path: path.count("{"))
    return [(path, re.compile(re.sub(r"{\w+}", "[^/]+", path))) for path in paths]


def _template_of(path: str) -> str | None:
    return next((template for template, pattern in _templates() if pattern.fullmatch(path)), None)
