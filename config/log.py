"""Logging: structlog renders every line, the libraries' too, with the request id it belongs to."""

import logging.config
import os
import re
import sys
from typing import Any

import msgspec
import structlog

from config import tracing
from realms.key_format import KEY_PATTERN

# What an error's text may carry into a line: API keys and tokens, and the rows that PostgreSQL quotes.
SECRETS = re.compile(rf"(?P<key>{KEY_PATTERN})|(?P<token>eyJ[\w-]+\.[\w-]+\.[\w-]+)")
ROW_ON_ITS_LINE = re.compile(r"(?:DETAIL|CONTEXT): .*")
ROW = re.compile(r"(?:DETAIL|CONTEXT): .*", re.DOTALL)

SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    *([tracing.add_trace_id] if tracing.is_wanted() else []),
]


def redact(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Take secrets out of an event's texts: a processor between the traceback's formatting and the line."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = _redacted(value, ROW_ON_ITS_LINE if name == "exception" else ROW)
    return event


def _redacted(text: str, row: re.Pattern[str]) -> str:
    text = SECRETS.sub(lambda found: f"[{found.lastgroup} withheld]", text)
    return row.sub("[row withheld]", text)


def _json(event: structlog.typing.EventDict, **_: Any) -> str:
    return msgspec.json.encode(event, enc_hook=repr).decode()


def _is_read_by_people() -> bool:
    """Tell whether lines go to a terminal that wants colours (https://no-color.org)."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")


def configure(options: dict[str, Any]) -> None:
    """Set up logging; `options` has `level` (a level's name) and `format` (`text` or `json`)."""
    as_json = options["format"] == "json"
    renderer: structlog.typing.Processor
    if as_json:
        renderer = structlog.processors.JSONRenderer(serializer=_json)
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=_is_read_by_people())
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "structured": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        # Without local variables: they hold API keys.
                        structlog.processors.format_exc_info,
                        redact,
                        renderer,
                    ],
                    "foreign_pre_chain": SHARED,
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
            "root": {"handlers": ["stderr"], "level": options["level"]},
            "loggers": {
                # A request has its line from `hub.api.observed`.
                "uvicorn.access": {"level": "WARNING"},
                "django.request": {"level": "ERROR"},
                "django.db.backends": {"level": "INFO"},  # below it come statements with their values
                "celery": {"level": "WARNING"},
                "django_eventstream": {"level": "WARNING"},  # tells of each listener that comes and goes
            },
        }
    )
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
