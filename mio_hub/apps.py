"""Django's view of this package."""

from django.apps import AppConfig


class MioHub(AppConfig):
    name = "mio_hub"

    def ready(self) -> None:
        from mio_hub import celery, checks  # noqa: F401 - registered by being imported
