"""JSON for people to read: indented, and in the colours that the stylesheet gives to Pygments' classes."""

from html import escape

import msgspec
from django.utils.safestring import SafeString
from pygments.lexers.data import JsonLexer
from pygments.token import STANDARD_TYPES

INDENT_SPACES = 2
COLOURED_LENGTH = 64 * 1024  # characters
INDENTED_LENGTH = 1024 * 1024

# A span for each comma too would treble the page.
_COLOURED = ("Keyword", "Name", "Literal")
_CLASSES = {kind: name for kind, name in STANDARD_TYPES.items() if kind and kind[0] in _COLOURED}
_lexer = JsonLexer(stripnl=False, ensurenl=False)


def json_html(text: str) -> SafeString:
    """Return JSON text as a `<pre>`, each member on a line; numbers and strings stay as they were written.

    A long text has no colours. One that lines would make far longer, such as many deep lists, stays one line.

    Args:
        text: a JSON value, as the hub keeps it.
    """
    indented = msgspec.json.format(text, indent=INDENT_SPACES)
    if len(indented) > INDENTED_LENGTH:
        code = escape(text)
    elif len(text) > COLOURED_LENGTH:
        code = escape(indented)
    else:
        # Each piece is escaped on its own: `format_html` takes ten times as long.
        tokens = _lexer.get_tokens(indented)
        code = "".join(_coloured(_CLASSES.get(kind), escape(said)) for kind, said in tokens)
    return SafeString(f'<pre class="code json"><code>{code}</code></pre>')


def _coloured(name: str | None, said: str) -> str:
    return f'<span class="{name}">{said}</span>' if name else said
