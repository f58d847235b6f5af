"""Markdown becomes HTML that is safe and that can be linked into."""

import re

import pytest
from pygments.lexers import get_lexer_by_name

from hub.docs.contents import WRITTEN
from hub.docs.markdown import COPIED, LEXERS, render
from hub.docs.pages import source_of
from tests.docs.samples import OUTPUT, RUN, SHOWN, fences


def test_raw_html_is_shown_and_not_taken() -> None:
    assert "<script" not in render("# T\n\n<script>alert(1)</script>\n\nA <b>b</b>.").html
    assert "javascript:" not in render("[x](javascript:alert(1))").html.replace(
        "[x](javascript:alert(1))", ""
    )


def test_headings_have_anchors_of_their_own() -> None:
    page = render("# T\n\n## Ask `peek`, first\n\n### Then\n\n## Then\n")

    assert [(h.level, h.anchor) for h in page.headings] == [
        ("h2", "ask-peek-first"),
        ("h3", "then"),
        ("h2", "then-1"),
    ]
    assert all(f'id="{heading.anchor}"' in page.html for heading in page.headings)
    assert "<h1" not in page.html


def test_code_has_classes_and_a_button_where_it_is_to_be_copied() -> None:
    page = render("```python\nimport os\n```\n\n```json\n{}\n```\n").html

    assert '<span class="kn">import</span>' in page
    assert (
        re.findall('data-copy="(.*?)"', page)
        == re.findall('<pre class="code" id="(.*?)"', page)
        == ["code-1"]
    )
    assert page.count("<pre") == 2


def test_a_table_scrolls_in_a_box_of_its_own() -> None:
    page = render("| a | b |\n|---|--:|\n| 1 | 2 |\n").html

    assert '<div class="scroll"' in page and '<th scope="col">' in page
    assert "style=" not in render("| a |\n|---|\n| 1 |\n").html


@pytest.mark.parametrize("language", [*RUN, *OUTPUT, *SHOWN])
def test_every_language_has_its_colours(language: str) -> None:
    """Pygments raises for a language that it does not know."""
    get_lexer_by_name(LEXERS.get(language, language))


def test_what_is_copied_is_what_is_no_output() -> None:
    assert {*RUN, *SHOWN} == set(COPIED)


def test_every_block_says_its_language() -> None:
    for page in WRITTEN.values():
        assert all(language for language, _ in fences(source_of(page, origin=""))), page.slug
