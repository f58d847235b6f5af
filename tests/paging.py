"""Following the pages of a list."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.cast import Agent, Answer

_NEXT = re.compile(r'<http://testserver(?P<path>/[^>]*)>; rel="next"')


def next_path(answer: Answer) -> str | None:
    """Return the path and query of the page after `answer`; None if it is the last."""
    assert answer.status == 200, answer.json
    if "Link" not in answer.headers:
        return None
    link = _NEXT.fullmatch(answer.headers["Link"])
    assert link is not None, answer.headers["Link"]
    return link["path"]


def cursor_of(answer: Answer) -> str:
    """Return the cursor in the link to the next page."""
    path = next_path(answer)
    assert path is not None
    return parse_qs(urlsplit(path).query)["cursor"][0]


def pages_of(agent: Agent, path: str, member: str) -> list[list[Any]]:
    """Return what each page of a list holds, the `next` links followed to the end."""
    pages: list[list[Any]] = []
    following: str | None = path
    while following is not None:
        answer = agent.get(following)
        following = next_path(answer)
        pages.append(answer.json[member])
    return pages
