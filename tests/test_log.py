"""What log lines never hold."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from django.conf import settings

from config import log
from realms.key_format import new_plaintext

KEY = new_plaintext()
TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"
ROW = 'null value in column "x"\nDETAIL:  Failing row contains (1, {"text":"a\\ncanary"}).\nCONTEXT:  canary'


@pytest.fixture(params=["text", "json"])
def written(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """What is written to the log in each format."""
    log.configure({"level": "DEBUG", "format": request.param})
    [handler] = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)
    stream = io.StringIO()
    handler.setStream(stream)
    yield stream
    log.configure(settings.LOGGING)


def test_keys_and_tokens_are_withheld(written: io.StringIO) -> None:
    structlog.get_logger("hub").warning(f"look at {KEY}", authorization=f"Bearer {TOKEN}", other="plain")
    logging.getLogger("library").error("failed for %s and %s", KEY, TOKEN)

    said = written.getvalue()
    assert KEY not in said and TOKEN not in said
    assert said.count("[key withheld]") == said.count("[token withheld]") == 2
    assert "plain" in said


def test_the_rows_that_postgresql_quotes_are_withheld(written: io.StringIO) -> None:
    try:
        raise ValueError(ROW) from KeyError(KEY)
    except ValueError as error:
        structlog.get_logger("hub").error("internal error", exc_info=error)
        structlog.get_logger("hub").error("database unavailable", error=repr(error))

    said = written.getvalue()
    assert "canary" not in said and KEY not in said
    assert "null value in column" in said and "test_log.py" in said, "the traceback itself is there"


def test_a_traceback_has_no_local_variables(written: io.StringIO) -> None:
    secret = "local-" + KEY[5:20]
    try:
        raise ValueError("what happened")
    except ValueError:
        logging.getLogger("library").exception("failed")

    assert secret not in written.getvalue()
    assert "what happened" in written.getvalue()


def test_json_lines_are_json(written: io.StringIO, request: pytest.FixtureRequest) -> None:
    structlog.get_logger("hub").warning("said", key=KEY)

    if "[json]" in request.node.name:
        line = json.loads(written.getvalue())
        assert (line["event"], line["key"], line["level"]) == ("said", "[key withheld]", "warning")


def test_a_text_cannot_begin_a_line_of_its_own() -> None:
    log.configure({"level": "INFO", "format": "text"})
    [handler] = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)
    stream = io.StringIO()
    handler.setStream(stream)

    structlog.get_logger("hub").info("said", said="one\n2026-01-01 [error   ] another", spaced="a b")

    assert stream.getvalue().count("\n") == 1
    assert r"said='one\n2026" in stream.getvalue() and "spaced='a b'" in stream.getvalue()
    log.configure(settings.LOGGING)


def test_a_line_that_cannot_be_written_harms_nobody(written: io.StringIO) -> None:
    written.close()

    structlog.get_logger("hub").warning("said")


def test_a_level_holds_for_loggers_that_were_used_before(written: io.StringIO) -> None:
    logger = structlog.get_logger("hub")
    logger.info("before")
    logging.getLogger().setLevel(logging.WARNING)
    logger.info("after")
    logger.error("at last")

    said = written.getvalue()
    assert "before" in said and "after" not in said and "at last" in said
