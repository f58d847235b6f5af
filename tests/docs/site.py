"""The pages of the docs as a browser gets them: their links and anchors."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

from tests.client import Client

HOST = "http://testserver"


@dataclass
class Fetched:
    """What a page holds: its anchors, the addresses that it links to, and attributes by name."""

    path: str
    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    attributes: set[str] = field(default_factory=set)
    elements: set[str] = field(default_factory=set)


class _Reader(HTMLParser):
    def __init__(self, page: Fetched) -> None:
        super().__init__()
        self.page = page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.page.attributes |= set(said)
        self.page.elements.add(tag)
        if anchor := said.get("id"):
            assert anchor not in self.page.anchors, f"{self.page.path} has two elements #{anchor}"
            self.page.anchors.add(anchor)
        if tag == "a" and (link := said.get("href")):
            self.page.links.append(urljoin(HOST + self.page.path, link))
        if tag in ("h1", "h2", "h3", "h4"):
            self.page.headings.append(tag)


def fetch(path: str) -> Fetched:
    """Return a page of the docs.

    Raises:
        AssertionError: there is none, or an id stands twice in it.
    """
    response = Client().get(path)
    assert response.status_code == 200, path
    page = Fetched(path)
    _Reader(page).feed(response.content.decode())
    return page


def fetch_all(start: str) -> dict[str, Fetched]:
    """Return every page below `start` that can be reached from it, by path."""
    pages: dict[str, Fetched] = {}
    waiting = [start]
    while waiting:
        path = waiting.pop()
        if path not in pages:
            pages[path] = fetch(path)
            waiting += [there for there, _ in inner_links(pages[path]) if there.startswith(start)]
    return pages


def inner_links(page: Fetched) -> list[tuple[str, str]]:
    """Return (path, anchor) of the links that stay on this hub."""
    parts = [urldefrag(link) for link in page.links if link.startswith(f"{HOST}/")]
    return [(urlsplit(part.url).path, part.fragment) for part in parts]
