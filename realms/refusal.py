"""Refusal: the only error that rules raise."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from realms.problems import PROBLEMS

LISTED = 20  # items of any list in a problem


class Refusal(Exception):
    """The hub does not do what was asked.

    Args:
        code: a key of `PROBLEMS`.
        detail: what is wrong with this very request and what to do next; the problem's fix if empty.
        errors: places in the request, each `{"pointer": "/to/0", "detail": "…"}` (RFC 9457 §3).
        more_errors: the number of errors that were found besides `errors`.
        headers: response headers that belong to the answer, such as `Retry-After`.
        members: further members of the problem object (RFC 9457 §3.2).
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        errors: list[dict[str, str]] | None = None,
        more_errors: int = 0,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        self.problem = PROBLEMS[code]
        self.code = code
        self.status = self.problem.status
        self.detail = detail or self.problem.fix
        self.errors = errors or []
        self.more_errors = more_errors
        self.headers = dict(headers or {})
        self.members = dict(members or {})
        super().__init__(f"{code}: {self.detail}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Let a refusal come from another process."""
        again = partial(
            Refusal,
            errors=self.errors,
            more_errors=self.more_errors,
            headers=self.headers,
            members=self.members,
        )
        return again, (self.code, self.detail)


def listed(names: Sequence[str]) -> str:
    """Return names as a detail lists them: the first `LISTED`, and how many more there are."""
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {more} more" if more > 0 else "")


def refusal_at(pointer: str, detail: str, code: str = "invalid_request") -> Refusal:
    """Return a refusal of the member at the JSON `pointer` (RFC 6901) of the request."""
    return Refusal(code, detail, errors=[{"pointer": pointer, "detail": detail}])
