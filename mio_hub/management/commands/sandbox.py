"""`manage.py sandbox`: the four fake platforms over HTTP, until stopped."""

import asyncio
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from connectors.sandbox import World
from mio_hub import env
from mio_hub.sandbox.crowd import Crowd, populate
from mio_hub.sandbox.server import SandboxServer

HOST = "127.0.0.1"
"""Whoever reaches the sandbox may speak as anybody, so by default it is not reached from elsewhere."""

PORT = 8100


class Command(BaseCommand):
    help = "Serve fake Slack, Teams, Webex and Zoom on one port."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=env.text("MIO_SANDBOX_HOST", HOST))
        parser.add_argument("--port", type=int, default=env.integer("MIO_SANDBOX_PORT", PORT))
        parser.add_argument("--people", type=int, default=0, help="a crowd, beside the small company")
        parser.add_argument("--channels", type=int, default=0, help="of the crowd")
        parser.add_argument("--members", type=int, default=0, help="in each of the crowd's channels")
        parser.add_argument("--crowded", nargs="*", default=[], help="the platforms that the crowd is on")

    def handle(self, *args: Any, **options: Any) -> None:
        world = World(settings.MIO_PLATFORM_SECRETS, settings.MIO_BASE_URL, apps=settings.MIO_PLATFORM_APPS)
        populate(world, options["crowded"], Crowd(options["people"], options["channels"], options["members"]))
        asyncio.run(self.serve(SandboxServer(world), options["host"], options["port"]))

    async def serve(self, server: SandboxServer, host: str, port: int) -> None:
        stopped = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        self.stdout.write(f"The sandbox answers at {await server.start(host, port)}")
        await stopped.wait()
        await server.stop()
