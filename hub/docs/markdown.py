"""Markdown to HTML: anchors on headings, code in colours, nothing inline that the pages' policy forbids."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.anchors import anchors_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

# Languages that Pygments has under another name. `manage` is a shell on the hub's own machine.
LEXERS = {"env": "ini", "manage": "bash", "sh": "bash", "sse": "text"}
COPIED = ("sh", "python", "manage", "nginx", "ini", "env")  # what readers take with them; the rest is output
TOC_LEVELS = ("h2", "h3")

_formatter = HtmlFormatter(nowrap=True)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading below the title: `h2` or `h3`, its anchor and its words."""

    level: str
    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """A page as HTML, without its title, and its headings."""

    html: str
    headings: tuple[Heading, ...]


def anchor_of(text: str) -> str:
    """Return the anchor of a heading: its letters and digits in small, joined by dashes."""
    return "-".join(re.findall(r"[a-z0-9_]+", text.lower()))


def render(text: str) -> Rendered:
    """Return a page's Markdown as HTML. Its first heading is its title, which the template shows."""
    tokens = _parser.parse(text)
    if tokens and tokens[0].tag == "h1":
        tokens = tokens[3:]
    headings = []
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            headings.append(_anchored(token, tokens[at + 1]))
        elif token.type == "blockquote_open":
            token.tag = "div"
            token.attrSet("class", "note stack")
        elif token.type == "blockquote_close":
            token.tag = "div"
    html = _parser.renderer.render(tokens, _parser.options, {})
    return Rendered(html, tuple(heading for heading in headings if heading.level in TOC_LEVELS))


def render_line(text: str) -> str:
    """Return a sentence's Markdown, such as `code` in it, as HTML."""
    return str(_parser.renderInline(text))


def _anchored(opening: Token, inline: Token) -> Heading:
    """Let a heading end in a link to itself."""
    anchor = str(opening.attrGet("id"))
    words = "".join(child.content for child in inline.children or [])
    label = {"class": "anchor", "href": f"#{anchor}", "aria-label": f"Link to “{words}”"}
    link = [Token("link_open", "a", 1, attrs=dict(label)), Token("text", "", 0, content="#")]
    inline.children = [*(inline.children or []), *link, Token("link_close", "a", -1)]
    return Heading(opening.tag, anchor, words)


def _fence(self: Any, tokens: Sequence[Token], at: int, options: Any, env: dict[str, int]) -> str:
    """Render fenced code, with a button where readers take it with them."""
    language = tokens[at].info.strip() or "text"
    code = highlight(tokens[at].content, get_lexer_by_name(LEXERS.get(language, language)), _formatter)
    if language not in COPIED:
        return f'<pre class="code" tabindex="0"><code>{code}</code></pre>\n'
    number = env["codes"] = env.get("codes", 0) + 1
    return (
        f'<div class="copyable"><pre class="code" id="code-{number}" tabindex="0"><code>{code}</code></pre>'
        f'<button type="button" data-copy="code-{number}">Copy</button></div>\n'
    )


def _table_open(self: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    return '<div class="scroll" role="group" aria-label="Table" tabindex="0"><table>\n'


def _table_close(self: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    return "</table></div>\n"


def _th_open(self: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    return '<th scope="col">'


def _made() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "typographer": False}).enable("table")
    parser.use(anchors_plugin, max_level=3, slug_func=anchor_of)
    for name, rule in (
        ("fence", _fence),
        ("table_open", _table_open),
        ("table_close", _table_close),
        ("th_open", _th_open),
    ):
        parser.add_render_rule(name, rule)
    return parser


_parser = _made()
