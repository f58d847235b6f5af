"""JSON as pages show it."""

from hub.console.json_html import json_html


def test_members_stand_on_lines_of_their_own_in_colours() -> None:
    assert json_html('{"a":[1,null],"b":{}}') == (
        '<pre class="code json"><code>{\n'
        '  <span class="nt">&quot;a&quot;</span>: [\n'
        '    <span class="mi">1</span>,\n'
        '    <span class="kc">null</span>\n'
        "  ],\n"
        '  <span class="nt">&quot;b&quot;</span>: {}\n'
        "}</code></pre>"
    )


def test_what_agents_say_is_escaped() -> None:
    shown = json_html('{"<script>":"</code><script>alert(1)</script>"}')

    assert "<script>" not in shown
    assert "&lt;/code&gt;&lt;script&gt;alert(1)" in shown


def test_numbers_and_strings_stay_as_they_were_written() -> None:
    shown = json_html('[1e308,-0.0,12345678901234567,"\\u0041","\\\\\\""]')

    for written in ("1e308", "-0.0", "12345678901234567", "\\u0041", "\\\\\\&quot;"):
        assert f">{written}<" in shown or f"&quot;{written}&quot;" in shown


def test_a_long_text_has_lines_but_no_colours() -> None:
    shown = json_html('["' + "x" * 100_000 + '",1]')

    assert "<span" not in shown
    assert shown.count("\n") == 3


def test_a_text_that_lines_would_make_far_longer_stays_one_line() -> None:
    deep = "[" * 60 + "]" * 60

    shown = json_html("[" + ",".join([deep] * 2000) + "]")

    assert "\n" not in shown and len(shown) < 300_000


def test_a_bare_value_is_shown_too() -> None:
    assert json_html("3") == '<pre class="code json"><code><span class="mi">3</span></code></pre>'
