"""The published schema and its pages."""

from functools import lru_cache
from threading import Lock
from typing import Annotated, Any, Literal

import msgspec
import yaml
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.generators import SchemaGenerator
from msgspec import Meta

from hub.api.endpoint import endpoint
from hub.api.media_types import JSON, accepts
from hub.api.viewset import HubViewSet

YAML = "application/yaml"


class SchemaQuery(msgspec.Struct, forbid_unknown_fields=True):
    """How to write the schema."""

    format: Annotated[Literal["json", "yaml"] | None, Meta(description="Instead of the Accept header.")] = (
        None
    )


_one_at_a_time = Lock()


def document() -> dict[str, Any]:
    """Return the OpenAPI document of this hub, which is the same for its whole life."""
    # drf-spectacular loads its extensions on the first use, and two threads at once fail in it.
    with _one_at_a_time:
        return _made()


@lru_cache(maxsize=1)
def _made() -> dict[str, Any]:
    generator: Any = SchemaGenerator
    schema: dict[str, Any] = generator().get_schema(public=True)
    return schema


@lru_cache(maxsize=2)
def _written(form: str) -> bytes:
    if form == "yaml":
        return yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=100).encode()
    return msgspec.json.encode(document())


class SchemaViewSet(HubViewSet):
    """This schema."""

    media_types = (JSON, YAML)
    caller = None  # type: ignore[assignment]  # anybody may read it

    @endpoint("Get this schema", answer=None, public=True, query=SchemaQuery)
    def schema_document(self, _: None, query: SchemaQuery) -> HttpResponse:
        """OpenAPI 3.1, as JSON or, if `format` or Accept says so, as YAML."""
        prefers_yaml = not accepts(self.exchange.headers.get("accept"), JSON)
        form = query.format or ("yaml" if prefers_yaml else "json")
        return HttpResponse(_written(form), content_type=YAML if form == "yaml" else JSON)


def swagger_page(request: HttpRequest) -> HttpResponse:
    """Show the schema with Swagger UI."""
    return render(request, "hub/swagger.html")
