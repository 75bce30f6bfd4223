"""Log lines, as text for people or as JSON for machines; neither ever holds a token or a session secret."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from typing import Literal, TextIO

from aiohttp.http_exceptions import HttpProcessingError

LogFormat = Literal["text", "json"]

_SECRETS = re.compile(
    r"(?i)((?:token|session|api_key|authorization)[\"']?\s*[=:]\s*[\"']?(?:bearer\s+)?)[^\s\"'&,;)]+"
    r"|\beyJ[\w-]+\.[\w-]+\.[\w-]+"
)
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def redact(text: str) -> str:
    """`text` without tokens, session secrets and keys."""
    return _SECRETS.sub(lambda match: f"{match[1] or ''}***", text)


def _extras(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


class TextFormatter(logging.Formatter):
    """One line a record for people, with the extra fields behind the message."""

    def format(self, record: logging.LogRecord) -> str:
        """As in `logging.Formatter`."""
        at = time.strftime("%H:%M:%S", time.localtime(record.created))
        extras = "".join(f" {name}={value}" for name, value in _extras(record).items())
        line = f"{at} {record.levelname.lower():7} {record.getMessage()}{extras}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return redact(line)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `time` (ISO 8601, UTC), `level`, `logger`, `message`, and the caller's fields."""

    def format(self, record: logging.LogRecord) -> str:
        """As in `logging.Formatter`."""
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, object] = {
            "time": f"{at}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        line |= {name: redact(str(value)) for name, value in _extras(record).items()}
        if record.exc_info:
            line["exception"] = redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


class Malformed(logging.Filter):
    """Of the HTTP server's logger: a peer's fault is one line at the level `debug`, without a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """As in `logging.Filter`."""
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError):
            return True
        record.levelno, record.levelname = logging.DEBUG, "DEBUG"
        record.msg, record.args = f"malformed request: {' '.join(error.message.split())[:200]}", ()
        record.exc_info = record.exc_text = None
        return logging.getLogger(record.name).isEnabledFor(logging.DEBUG)


def configure(style: LogFormat, level: str, stream: TextIO | None = None) -> None:
    """Send all log lines of this process to `stream` (stderr by default), in one style."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # Access lines hold addresses with tokens in them and cost more than serving; metrics count requests.
    logging.getLogger("aiohttp.access").setLevel(logging.ERROR)
    # At the level `debug` it would write two lines for every statement.
    logging.getLogger("aiosqlite").setLevel(logging.INFO)
