"""Structured logs: JSON lines for machines, coloured lines for people. Never a message's content."""

import logging
import logging.config
from typing import Any

import structlog
from structlog.typing import Processor

ENRICHERS: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]
"""What every line tells, whether it comes from structlog or from a library's plain logger."""


def configuration(form: str, level: str) -> dict[str, Any]:
    """Django's LOGGING: everything through one handler to standard error, in the form `json` or `console`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": ENRICHERS,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer(form)],
            }
        },
        "filters": {"without_health": {"()": WithoutHealth}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "loggers": {
            "django.request": {"filters": ["without_health"]},
            "celery.worker.strategy": {"level": "WARNING"},  # else two lines for every task, every two seconds
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            "uvicorn": {"handlers": [], "propagate": True},  # instead of the handler it brings along
            "uvicorn.access": {"handlers": [], "propagate": False},  # proxies write access logs
        },
        "root": {"handlers": ["stderr"], "level": level},
    }


class WithoutHealth(logging.Filter):
    """Drops Django's "Service Unavailable" for health checks: they come every few seconds and log their own reason."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(getattr(record, "request", None), "path", "") != "/healthz"


def renderer(form: str) -> Processor:
    if form == "console":
        return structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)
    return structlog.processors.JSONRenderer()


def configure(settings: dict[str, Any]) -> None:
    logging.config.dictConfig(settings)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *ENRICHERS,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
