"""Structured logs on standard output: one JSON object a line, UTC.

Text reaches the log only under names on the allow-list, and only its first line: bodies, names, addresses and secrets
have no way in. Numbers, booleans and times pass under any name.
"""

import logging
import sys
import traceback
from collections.abc import Mapping
from types import TracebackType

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

TEXT_FIELDS = frozenset(
    (
        *("event", "level", "logger", "timestamp", "error", "stack"),
        *("request_id", "method", "route", "actor"),
        *(
            "worker",
            "channel",
            "vendor",
            "interaction",
            "kind",
            "lane",
            "outcome",
            "schedule",
            "connector",
            "dataset",
        ),
    )
)
WITHHELD = "(withheld)"
TEXT_CHARACTERS = 500
STACK_FRAMES = 30


def configure(options: Mapping[str, str]) -> None:
    """Set up structlog and the standard library's logging alike. `options`: format (json, console), level."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _describe_exception,
        _allow_known_text,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    last: Processor = (
        structlog.processors.JSONRenderer()
        if options["format"] == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    logging.basicConfig(handlers=[handler], level=options["level"], force=True)
    # They log addresses with their queries.
    for noisy in ("httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # Django's own handlers would write the same a second time; its request log repeats ours.
    logging.getLogger("django").handlers.clear()
    logging.getLogger("django.request").setLevel(logging.ERROR)


def _describe_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace an exception by its type, the first line of its message, and where it came from; never its variables."""
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["error"] = f"{type(error).__qualname__}: {error}"
        event["stack"] = " < ".join(_frames(error.__traceback__))
    return event


def _frames(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-STACK_FRAMES:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames)]


def _allow_known_text(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {name: _allowed(name, value) for name, value in event.items()}


def _allowed(name: str, value: object) -> object:
    if value is None or isinstance(value, int | float) or name.startswith("_"):
        return value
    if name not in TEXT_FIELDS:
        return WITHHELD
    # A database error names the offending values from its second line on.
    first_line = next(iter(str(value).splitlines()), "")
    return first_line if name == "stack" else first_line[:TEXT_CHARACTERS]
