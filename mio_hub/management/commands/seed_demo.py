"""`manage.py seed_demo`: the sandbox's company in the database. Safe to run again."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from connectors.sandbox import World
from mio_hub.sandbox import demo


class Command(BaseCommand):
    help = "Fill the database with the sandbox's company: connections, people and one shared channel."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.MIO_SANDBOX_URL:
            raise CommandError("MIO_SANDBOX_URL is not set: a Hub that speaks to real platforms gets no demo company.")
        world = World(settings.MIO_PLATFORM_SECRETS, settings.MIO_BASE_URL, apps=settings.MIO_PLATFORM_APPS)
        tenant = demo.seed(world)
        demo.begin_imports(world)
        self.stdout.write(
            f"{tenant.name} is connected; its people and its shared channel are known, the rest is imported soon."
        )
