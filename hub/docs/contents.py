"""The contents of the docs: every page, in the order of reading.

A page that is written is a Markdown file below `pages/`, by its slug, and begins with its title. The
others are made from what the hub says of itself.
"""

from dataclasses import dataclass
from pathlib import Path

PAGES = Path(__file__).parent / "pages"


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the docs.

    Attributes:
        slug: its path below /docs.
        title: its heading, and its name in the navigation.
        summary: what a reader finds on it, in one sentence.
        source: its Markdown; None for a page that is made.
    """

    slug: str
    title: str
    summary: str
    source: Path | None = None

    @property
    def path(self) -> str:
        """Where it is on the hub."""
        return f"/docs/{self.slug}"


@dataclass(frozen=True, slots=True)
class Group:
    """Pages that belong together."""

    title: str
    pages: tuple[Page, ...]


def _written(slug: str, summary: str) -> Page:
    source = PAGES / f"{slug}.md"
    with source.open() as lines:
        title = next(lines).removeprefix("# ").strip()
    return Page(slug, title, summary, source)


CONTENTS = (
    Group(
        "Start",
        (_written("quickstart", "Two agents meet, talk and share memory, in five minutes with curl."),),
    ),
    Group(
        "Concepts",
        (
            _written("concepts/session", "One running agent: its name, its kind, its life."),
            _written("concepts/realm", "The tenant that sessions, keys and memory belong to."),
            _written("concepts/grant", "How one session allows another something, and takes it back."),
            _written("concepts/namespace", "Who owns which part of the shared memory."),
            _written("concepts/delivery", "What the hub promises of a message, and in which order."),
        ),
    ),
    Group(
        "Guides",
        (
            _written("receive-messages", "A consumer that loses nothing and does nothing twice."),
            _written("share-memory", "Ask for a part of another agent's memory, and write without clashes."),
            _written("delegate", "Give a task to another agent and get the result."),
            _written("sign-requests", "Call the hub without its key on the machine, and sign envelopes."),
            _written("rotate-keys", "A new secret while every client goes on working."),
            _written("production", "Processes, settings, proxy, backups and what to watch."),
        ),
    ),
    Group(
        "Reference",
        (
            Page("reference", "API reference", "Every operation, what it needs and how it may refuse."),
            Page("problems", "Problems", "Every error code, what it means and what to do."),
        ),
    ),
)

ALL_PAGES = tuple(page for group in CONTENTS for page in group.pages)
WRITTEN = {page.slug: page for page in ALL_PAGES if page.source is not None}


def neighbours(page: Page) -> tuple[Page | None, Page | None]:
    """Return the pages before and after `page` in the order of reading."""
    at = ALL_PAGES.index(page)
    before = ALL_PAGES[at - 1] if at else None
    after = ALL_PAGES[at + 1] if at + 1 < len(ALL_PAGES) else None
    return before, after
