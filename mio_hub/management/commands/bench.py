"""`manage.py bench`, behind `./hub bench`: the relay beside a bare pipeline, in one table."""

import asyncio
import os
import signal
import sys
import tempfile
from argparse import ArgumentTypeError
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

import connectors
from mio_hub.bench import company, importing, population, report
from mio_hub.bench.cells import all_cells, few_cells
from mio_hub.bench.conversions import conversion_table, conversions
from mio_hub.bench.files import files_per_second, files_table
from mio_hub.bench.layout import Failed
from mio_hub.bench.memory import memory_table
from mio_hub.bench.pages import measure, pages_table
from mio_hub.bench.population import Size
from mio_hub.bench.rounds import NOTHING_WRONG
from mio_hub.bench.run import memory_run, side_by_side
from mio_hub.bench.stages import pure_work, stages
from mio_hub.sandbox.crowd import Crowd, can_be_crowded

CHANNELS = (1, 10, 100)
SECONDS = 8.0
QUICK_SECONDS = 3.0
MOST_SECONDS = 60.0
"""Of a cell: a figure does not become truer by waiting longer."""
INTERRUPTED = 130
"""The exit code that shells know for it."""
MESSAGES = 50_000
"""Of a memory run: a leak of 1 kB a message shows as 50 MiB."""
REQUESTS = 60
QUICK_REQUESTS = 20
"""To each page: the 95th percentile is then the third or first slowest."""
CROWD = Crowd(people=100_000, channels=1000, members=20)
QUICK_CROWD = Crowd(people=2_000, channels=20, members=20)
"""Of imports."""


class Command(BaseCommand):
    help = (
        "Measure the relay beside a pipeline without our logic. Run it as ./hub bench, which brings servers of its own."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seconds", type=_seconds, help=f"per cell and pipeline (default {SECONDS:g})")
        parser.add_argument("--quick", action="store_true", help=f"few cells of {QUICK_SECONDS:g} s")
        parser.add_argument("--channels", type=_channels, help="numbers of busy channels, as 1,10,100")
        parser.add_argument("--memory", action="store_true", help="the Hub's memory over many messages, nothing else")
        parser.add_argument("--messages", type=int, default=MESSAGES, help=f"of --memory (default {MESSAGES:,})")
        parser.add_argument("--pages", action="store_true", help="the pages of a Hub with 100,000 people, nothing else")
        parser.add_argument("--only", default="", help="of --pages: those whose names begin so")
        parser.add_argument("--imports", action="store_true", help="imports of a large company, nothing else")
        parser.add_argument("--people", type=int, help=f"of --imports (default {CROWD.people:,} on each platform)")
        parser.add_argument("--platforms", type=_platforms, help="of --imports, two as slack,zoom")
        parser.add_argument("--json", action="store_true", help="for a program instead of a person")

    def handle(self, *args: Any, **options: Any) -> None:
        signal.signal(signal.SIGTERM, _stop)
        call_command("migrate", verbosity=0)
        try:
            with tempfile.TemporaryDirectory(prefix="mio-bench-") as folder:
                self.chosen(options)(Path(folder), options)
        except (Failed, company.NotEmpty) as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)

    def chosen(self, options: dict[str, Any]) -> Callable[[Path, dict[str, Any]], None]:
        return self.pages if options["pages"] else self.imports if options["imports"] else self.messages

    def imports(self, folder: Path, options: dict[str, Any]) -> None:
        crowd = QUICK_CROWD if options["quick"] else CROWD
        crowd = replace(crowd, people=options["people"] or crowd.people)
        if options["channels"]:
            crowd = replace(crowd, channels=max(options["channels"]))
        if crowd.people % crowd.members or crowd.channels * crowd.members > crowd.people:
            raise CommandError(f"Nobody is in two channels of {crowd.members}: there must be more people, in twenties.")
        try:
            slugs = options["platforms"] or importing.platforms()
            figures = importing.measure(slugs, crowd, folder, is_patient=not options["quick"])
        finally:
            importing.leave()
        self.stdout.write(importing.imports_table(figures))
        if figures.wrong:
            raise CommandError("The imports did not keep what is promised.")

    def pages(self, folder: Path, options: dict[str, Any]) -> None:
        times = QUICK_REQUESTS if options["quick"] else REQUESTS
        visitor = population.fill(Size())
        try:
            population.analyze()
            self.stdout.write(pages_table(measure(visitor, times, folder, options["only"]), times))
        finally:
            population.leave()

    def messages(self, folder: Path, options: dict[str, Any]) -> None:
        options["channels"] = options["channels"] or CHANNELS
        company.settle(max(options["channels"]))
        try:
            sound = (self.memory if options["memory"] else self.table)(folder, options)
        finally:
            company.leave()
        if not sound:
            raise CommandError("The Hub lost, doubled, swapped, damaged or refused something.")

    def table(self, folder: Path, options: dict[str, Any]) -> bool:
        cells = (few_cells if options["quick"] else all_cells)(options["channels"])
        seconds = options["seconds"] or (QUICK_SECONDS if options["quick"] else SECONDS)
        about = report.conditions(settings.MIO_SHARDS + 1, os.getloadavg()[0])
        lines = asyncio.run(side_by_side(cells, seconds, folder))
        for line in lines:
            hub = line.results["hub"]
            line.stages.extend(stages(hub.since, hub.until))
        files, pure, costs = asyncio.run(files_per_second(seconds)), pure_work(), conversions()
        if options["json"]:
            self.stdout.write(report.as_json(about, lines, pure, costs, files))
        else:
            parts = (about, report.table(lines, pure), files_table(files), conversion_table(costs))
            self.stdout.write("\n\n".join(parts))
        return report.sound(lines) and files.is_sound

    def memory(self, folder: Path, options: dict[str, Any]) -> bool:
        readings, found = asyncio.run(memory_run(max(options["channels"]), options["messages"], folder))
        self.stdout.write(memory_table(readings, found))
        return found == NOTHING_WRONG


def _stop(number: int, frame: object) -> None:
    """Ends like Ctrl-C: everything started is stopped on the way out."""
    raise KeyboardInterrupt


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= MOST_SECONDS:
        raise ArgumentTypeError(f"between 0 and {MOST_SECONDS:g}")
    return seconds


def _platforms(text: str) -> list[str]:
    slugs = text.split(",")
    if len(set(slugs)) != 2 or not set(slugs) <= set(filter(can_be_crowded, connectors.slugs())):
        raise ArgumentTypeError("two whose fakes take a crowd")
    return slugs


def _channels(text: str) -> tuple[int, ...]:
    numbers = tuple(int(number) for number in text.split(","))
    if not all(0 < number <= 1000 for number in numbers):
        raise ArgumentTypeError("each between 1 and 1000")
    return numbers
