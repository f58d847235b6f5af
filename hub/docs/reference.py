"""The compact reference: every operation of the published schema, with how it may refuse."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from hub.api.problems import PROBLEM_JSON
from hub.api.schema import document


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation.

    Attributes:
        id: the schema's operationId, which is its anchor too.
        scope: what a credential needs for it; None if it needs no credential.
        codes: of the problems that it may answer with.
        tag: of the group that the schema puts it into.
    """

    id: str
    method: str
    path: str
    summary: str
    scope: str | None
    codes: tuple[str, ...]
    tag: str


@dataclass(frozen=True, slots=True)
class Section:
    """Operations of one tag, each with its codes; those that need a credential without the `common` ones."""

    tag: str
    title: str
    about: str
    operations: tuple[tuple[Operation, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """The whole API: the problems of every operation that needs a credential, and what is beyond them."""

    common: tuple[str, ...]
    sections: tuple[Section, ...]


@cache
def operations() -> tuple[Operation, ...]:
    """Return every operation, in the order of the schema."""
    return tuple(
        _operation(method, path, declared)
        for path, methods in document()["paths"].items()
        for method, declared in methods.items()
    )


@cache
def reference() -> Reference:
    """Return the operations by tag, and apart from them the problems that they share."""
    common = _shared(operation for operation in operations() if operation.scope)
    sections = (
        Section(
            tag=name,
            title=name.capitalize(),
            about=about,
            operations=tuple(
                (operation, tuple(c for c in operation.codes if c not in common or not operation.scope))
                for operation in operations()
                if operation.tag == name
            ),
        )
        for name, about in ((tag["name"], tag["description"]) for tag in document()["tags"])
    )
    return Reference(common, tuple(section for section in sections if section.operations))


def operations_refusing(code: str) -> tuple[Operation, ...]:
    """Return the operations that may answer with a problem; none if all may that need a credential."""
    if code in reference().common:
        return ()
    return tuple(operation for operation in operations() if code in operation.codes)


def _shared(found: Iterable[Operation]) -> tuple[str, ...]:
    first, *rest = found
    return tuple(code for code in first.codes if all(code in operation.codes for operation in rest))


def _operation(method: str, path: str, declared: dict[str, Any]) -> Operation:
    codes = [
        code
        for response in declared["responses"].values()
        for code in response["content"].get(PROBLEM_JSON, {}).get("examples", {})
    ]
    needed = "read" if method == "get" else "write"
    return Operation(
        id=declared["operationId"],
        method=method.upper(),
        path=path,
        summary=declared["summary"],
        scope=needed if declared["security"] else None,
        codes=tuple(codes),
        tag=declared["tags"][0],
    )
