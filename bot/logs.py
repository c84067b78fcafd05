"""What the bot writes about itself: lines for people on a terminal, JSON elsewhere, never a secret."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Collection, Mapping
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# Slack's tokens, whatever follows "Bearer", Salesforce's session ids.
_SECRETS = re.compile(r"\b(?:xox[a-z](?:\.xox[a-z])?-|xapp-)[\w-]+|(?<=Bearer )[^\s'\"]+|\b00D\w{12,15}![\w.]+")
_HIDDEN = "[hidden]"


def set_up_logs(
    stream: TextIO | None = None, *, level: int = logging.INFO, secrets: Collection[str] = (), colors: bool = True
) -> None:
    """Send every log line, other packages' too, to `stream` (standard error by default).

    Lines are JSON when the stream is no terminal. Tokens are recognised by their shape; `secrets` names further values
    that must not appear.
    """
    out = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        Redaction(secrets),
    ]
    last: Processor = (
        structlog.dev.ConsoleRenderer(colors=colors) if out.isatty() else structlog.processors.JSONRenderer()
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    logging.getLogger().handlers[:] = [handler]
    logging.getLogger().setLevel(level)
    # These tell every request and every alarm; what matters of it we say ourselves.
    for chatty in ("httpx", "apscheduler", "alembic", "urllib3"):
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


class Redaction:
    """A structlog processor that hides secrets, however deep they lie in what is logged."""

    def __init__(self, secrets: Collection[str] = ()) -> None:
        self._secrets = tuple(sorted((secret for secret in secrets if secret), key=len, reverse=True))

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """The event without its secrets; structlog's own bookkeeping is left alone."""
        return {
            key: value if key in ("_record", "_from_structlog") else self.hide(value) for key, value in event.items()
        }

    def hide(self, value: Any) -> Any:
        """The value with every secret in it replaced."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Mapping):
            return {self.hide(key): self.hide(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.hide(inner) for inner in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return self._text(str(value))

    def _text(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return _SECRETS.sub(_HIDDEN, text)
