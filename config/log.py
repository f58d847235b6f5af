"""Logging: structlog renders every line, the libraries' too, with the request id it belongs to."""

import logging.config
import os
import re
import sys
from typing import Any, TextIO

import msgspec
import structlog

from config import tracing
from realms.key_format import KEY_PATTERN

# What an error's text may carry into a line: API keys and tokens, and the rows that PostgreSQL quotes.
SECRETS = re.compile(rf"(?P<key>{KEY_PATTERN})|(?P<token>eyJ[\w-]+\.[\w-]+\.[\w-]+)")
ROW_ON_ITS_LINE = re.compile(r"(?:DETAIL|CONTEXT): .*")
ROW = re.compile(r"(?:DETAIL|CONTEXT): .*", re.DOTALL)
# What has none of these has nothing to redact: all but a few texts of a line.
SUSPICIOUS = ("aisp_", "eyJ", "DETAIL: ", "CONTEXT: ")

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
        if isinstance(value, str) and any(part in value for part in SUSPICIOUS):
            event[name] = _redacted(value, ROW_ON_ITS_LINE if name == "exception" else ROW)
    return event


def _redacted(text: str, row: re.Pattern[str]) -> str:
    text = SECRETS.sub(lambda found: f"[{found.lastgroup} withheld]", text)
    return row.sub("[row withheld]", text)


def _json(event: structlog.typing.EventDict, **_: Any) -> str:
    return msgspec.json.encode(event, enc_hook=repr).decode()


def _text(_logger: object, _method: str, event: structlog.typing.EventDict) -> str:
    """Render a line for a file that people read; one for a terminal takes as long as sending a message."""
    exception = event.pop("exception", "")
    first = (event.pop(name, "") for name in ("timestamp", "level", "event", "logger"))
    line = "{} [{:<8}] {} [{}]".format(*first)
    for name, value in event.items():
        text = str(value)
        line += f" {name}={text if text.isprintable() and ' ' not in text else repr(text)}"
    return f"{line}\n{exception}" if exception else line


class _Lines:
    """Where lines go, the hub's own and the libraries', and how an event becomes one."""

    handler: logging.StreamHandler[TextIO]
    rendering: list[structlog.typing.Processor]


class _Logger:
    """Writes the hub's own lines, which by way of the libraries' logging would take twice the time."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        # What `filter_by_level` asks for.
        self.disabled = False
        self.getEffectiveLevel = logging.getLogger(name).getEffectiveLevel

    def write(self, line: Any) -> None:
        """Render an event and write it; what cannot be written is lost, and no reason to refuse a request."""
        for render in _Lines.rendering:
            line = render(self, "", line)
        handler = _Lines.handler
        handler.acquire()
        try:
            handler.stream.write(f"{line}\n")
            handler.flush()
        except (OSError, ValueError):  # a full disk, a closed stream
            pass
        finally:
            handler.release()

    debug = info = warning = error = critical = write


def _as_argument(_logger: object, _method: str, event: structlog.typing.EventDict) -> tuple[Any, Any]:
    """Give the event to the logger as it is."""
    return (event,), {}


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
        renderer = structlog.dev.ConsoleRenderer(colors=True) if _is_read_by_people() else _text
    rendering: list[structlog.typing.Processor] = [
        structlog.processors.format_exc_info,  # without local variables: they hold API keys
        redact,
        renderer,
    ]
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "structured": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        *rendering,
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
    _Lines.rendering = rendering
    handlers = logging.getLogger().handlers
    [_Lines.handler] = [each for each in handlers if isinstance(each, logging.StreamHandler)]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *SHARED, _as_argument],
        logger_factory=_Logger,
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
        cache_logger_on_first_use=True,
    )
