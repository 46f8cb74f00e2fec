"""The Celery application: `celery -A mio_hub worker`, `celery -A mio_hub beat`."""

import os
from typing import Any

from celery import Celery, signals
from django.conf import settings

from mio_hub.heartbeat import WorkerHeart
from mio_hub.logs import configure
from mio_hub.processes import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mio_hub.settings")
# Celery would have Django look through all pages, and then not look at what it found. Every command of `manage.py` does both.
os.environ.setdefault("CELERY_SKIP_CHECKS", "true")

app = Celery("mio_hub")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["accounts", "relay"])

heart = WorkerHeart()
signals.worker_ready.connect(heart.start, weak=False)
signals.worker_shutting_down.connect(heart.stop, weak=False)


@signals.setup_logging.connect  # type: ignore[untyped-decorator]  # Celery is untyped
def keep_our_logging(**_: Any) -> None:
    """Being connected is what matters: Celery then leaves the loggers alone."""
    configure(settings.LOGGING)


@signals.worker_process_init.connect  # type: ignore[untyped-decorator]
def end_with_the_worker(**_: Any) -> None:
    """A worker killed outright takes its pool along; orphans would hold their leases and their connections."""
    die_with_parent()
