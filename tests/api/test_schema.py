"""GET /schema, and what it says: everything that the hub does, and nothing else."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import yaml
from django.contrib.staticfiles import finders
from django.urls import URLPattern
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from hub.api.schema import document
from hub.urls import live_urlpatterns, urlpatterns
from realms.problems import PROBLEMS
from tests.cast import Agent
from tests.client import Client

PROBLEM_JSON = "application/problem+json"

# What no operation answers with, since there is no operation where it is said.
OF_NO_OPERATION = {
    "not_found": "of paths that name nothing; operations with a parameter in their path list it besides",
    "rotation_in_grace": "of the console and the commands",
    "role_missing": "of the console",
    "invitation_not_yours": "of the console",
    "realm_slug_taken": "of the console, the admin and the commands",
    "method_not_allowed": "of paths whose operations have other methods",
}

Operation = tuple[str, str, dict[str, Any]]


def operations() -> list[Operation]:
    """Return path, method and operation of all that the document has."""
    return [(path, method, op) for path, item in document()["paths"].items() for method, op in item.items()]


every_operation = pytest.mark.parametrize(
    ("path", "method", "operation"), operations(), ids=lambda value: value if isinstance(value, str) else ""
)


def placed(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Yield every pattern, with what stands before it where it is included."""
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield prefix, pattern
        else:
            yield from placed(pattern.url_patterns, prefix + str(pattern.pattern))


def routes() -> Iterator[tuple[str, str]]:
    """Yield path and method of every route that the hub has."""
    for prefix, pattern in placed([*urlpatterns, *live_urlpatterns]):
        path = "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", prefix + str(pattern.pattern))
        view: Any = pattern.callback
        if hasattr(view, "consumer_class"):
            yield path, view.consumer_class.method.lower()
        elif hasattr(view, "actions"):
            for method in view.actions:
                if method != "head":
                    yield path, method


def subschemas(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield a schema and all that lie in it."""
    if isinstance(schema, dict):
        yield schema
        for inner in schema.values():
            yield from subschemas(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from subschemas(inner)


def test_it_is_valid_openapi() -> None:
    assert document()["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document()).validate()


@pytest.mark.parametrize(
    ("query", "accept", "media_type"),
    [
        ("", None, "application/json"),
        ("", "*/*", "application/json"),
        ("", "application/yaml", "application/yaml"),
        ("?format=json", "application/yaml", "application/json"),
        ("?format=yaml", "application/json", "application/yaml"),
    ],
)
def test_it_is_served_as_json_and_as_yaml(query: str, accept: str | None, media_type: str) -> None:
    headers = {"Accept": accept} if accept else {}

    answer = Agent(key=None).get(f"schema{query}", headers=headers)

    assert (answer.status, answer.headers["Content-Type"]) == (200, media_type)
    served = yaml.safe_load(answer.json) if media_type == "application/yaml" else answer.json
    assert served == msgspec.json.decode(msgspec.json.encode(document()))


@pytest.mark.parametrize("query", ["?format=xml", "?format=", "?frmt=yaml", "?format=json&format=yaml"])
def test_another_form_is_refused(query: str) -> None:
    answer = Agent(key=None).get(f"schema{query}")

    assert (answer.status, answer.code) == (400, "invalid_request")


def test_the_schema_and_the_routes_are_the_same_set() -> None:
    documented = {(path, method) for path, method, _ in operations()}

    assert documented == set(routes())


def test_both_live_endpoints_are_in_it() -> None:
    documented = {(path, method) for path, method, _ in operations()}

    assert ("/api/v1/messages/stream", "get") in documented
    assert ("/api/v1/sessions/{session_id}/ping", "post") in documented


def test_no_two_operations_have_one_id() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]

    assert len(names) == len(set(names))
    # Two that are the same get a number, which the next operation may take over.
    assert not [name for name in names if name[-1].isdigit()]


@every_operation
def test_an_operation_is_described(path: str, method: str, operation: dict[str, Any]) -> None:
    assert operation["summary"]
    assert operation["description"]
    public = path in ("/api/v1/schema", "/.well-known/jwks.json")
    assert operation["security"] == ([] if public else document()["security"])
    for parameter in operation["parameters"]:
        assert parameter["description"], parameter["name"]
        assert {"type", "anyOf"} & set(parameter["schema"]), parameter["name"]


@every_operation
def test_its_errors_are_problems(path: str, method: str, operation: dict[str, Any]) -> None:
    errors = {status: answer for status, answer in operation["responses"].items() if status != "200"}

    assert {"400", "406", "500"} <= set(errors)
    if operation["security"]:
        assert {"401", "403", "503"} <= set(errors)
    for status, answer in errors.items():
        assert list(answer["content"]) == [PROBLEM_JSON]
        for code, example in answer["content"][PROBLEM_JSON]["examples"].items():
            assert str(PROBLEMS[code].status) == status == str(example["value"]["status"])


def test_every_problem_belongs_to_an_operation() -> None:
    documented = {
        code
        for _, _, operation in operations()
        for status, answer in operation["responses"].items()
        if status != "200"
        for code in answer["content"][PROBLEM_JSON]["examples"]
    }

    assert documented | set(OF_NO_OPERATION) == set(PROBLEMS)


def test_a_body_takes_no_unknown_members() -> None:
    schemas = document()["components"]["schemas"]
    bodies = [operation["requestBody"] for _, _, operation in operations() if "requestBody" in operation]
    names = {body["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1] for body in bodies}
    seen: set[str] = set()
    while names - seen:
        name = (names - seen).pop()
        seen.add(name)
        assert schemas[name]["additionalProperties"] is False, name
        names |= {s["$ref"].rsplit("/", 1)[1] for s in subschemas(schemas[name]) if "$ref" in s}


@every_operation
def test_its_examples_are_valid(path: str, method: str, operation: dict[str, Any]) -> None:
    contents = [answer["content"] for answer in operation["responses"].values()]
    contents += [operation["requestBody"]["content"]] if "requestBody" in operation else []
    for content in contents:
        for media_type, media in content.items():
            if path == "/api/v1/schema" and media_type != PROBLEM_JSON:
                continue  # the document is its own example
            assert media["examples"], media_type
            schema = {**media["schema"], "components": document()["components"]}
            for name, example in media["examples"].items():
                faults = [e.message for e in Draft202012Validator(schema).iter_errors(example["value"])]
                assert not faults, name


def test_parameters_and_members_show_examples_that_fit() -> None:
    found = [
        s for s in subschemas(document()["components"]["schemas"]) if isinstance(s.get("examples"), list)
    ]
    parameters = [p for _, _, operation in operations() for p in operation["parameters"]]
    found += [p["schema"] for p in parameters if "examples" in p["schema"]]
    found += [{**p["schema"], "examples": [p["example"]]} for p in parameters if "example" in p]

    assert found
    for schema in found:
        for example in schema["examples"]:
            assert Draft202012Validator(schema).is_valid(example), (schema, example)


def test_texts_are_bounded() -> None:
    """Whatever text a body may have, its form or its length is said."""
    for name, component in document()["components"]["schemas"].items():
        if component.get("additionalProperties") is not False:
            continue
        for schema in subschemas(component["properties"]):
            if schema.get("type") == "string":
                assert {"pattern", "maxLength", "enum", "const", "format"} & set(schema), (name, schema)
            if schema.get("type") == "array":
                assert "maxItems" in schema, (name, schema)


def test_links_lead_to_operations() -> None:
    by_id = {operation["operationId"]: operation for _, _, operation in operations()}
    links = [
        link
        for _, _, operation in operations()
        for link in operation["responses"]["200"].get("links", {}).values()
    ]

    assert links
    for link in links:
        takes = {parameter["name"] for parameter in by_id[link["operationId"]]["parameters"]}
        assert {name.removeprefix("header.") for name in link["parameters"]} <= takes


def test_the_docs_load_nothing_from_elsewhere() -> None:
    response = Client().get("/api/docs")

    assert response.status_code == 200
    assets = re.findall(r'(?:src|href)="([^"]+)"', response.content.decode())
    assert any(asset.endswith(".js") for asset in assets)
    for asset in assets:
        assert asset.startswith(("/static/", "/api/v1/schema")), asset
        if asset.startswith("/static/"):
            assert finders.find(asset.removeprefix("/static/")), asset
    assert "/api/v1/schema" in response.content.decode()
