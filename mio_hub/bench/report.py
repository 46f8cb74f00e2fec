"""The one table: every cell, the Hub above the bare pipeline, and the ratio of the two."""

import json
import math
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from mio_hub.bench.cells import Cell, Result
from mio_hub.bench.conversions import Figures
from mio_hub.bench.cpu import OURSELVES
from mio_hub.bench.files import FileFigures
from mio_hub.bench.rounds import NOTHING_WRONG
from mio_hub.bench.stages import Stage

GROUPS = ("web", "worker", "PostgreSQL", "Valkey", OURSELVES)
LABEL = 38
WIDTH = 10
WIDE = 12
"""Characters of the columns: the cell, a figure, a cost."""

NOTES = """
hub and bare: the same messages through the Hub and through verify, one insert, one task, one POST; ratio: hub / bare.
p50, p99: ms from sending the webhook to the platform's acceptance; "offered": without the platform's own time.
Closed loop: every channel has one message on its way, the next follows when the platform accepts it.
mix: 70 % new messages, 10 % edits, 20 % reactions, the last two of the channel's newest message. The platform has no
reactions: they are a line in the thread, made with the first, edited with the next. The bare one makes a line for each,
and remembers no ids: it calls a message by its time in Slack. stale: messages left without the newest text or with other
reactions than were put.
The bare worker waits for a slow platform in each of its processes, which bounds it at processes / answer time.
CPU: with all child processes. load+target is the benchmark itself and takes its part of the same cores. Both pipelines
stay up for all cells: what the idle one costs PostgreSQL and Valkey is in the other's figures, and shows at few messages.
others: how much of the machine went to processes that have nothing to do with this; little, or the figures mean little.
>: messages were still waiting when the cell ended.
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One cell's results by pipeline, and the Hub's stages in it."""

    cell: Cell
    results: dict[str, Result]
    stages: list[Stage] = field(default_factory=list)


def conditions(processes: int, load: float) -> str:
    """What the figures depend on."""
    with connection.cursor() as cursor:
        shown = {}
        for name in ("server_version", "fsync", "synchronous_commit"):
            cursor.execute(f"SHOW {name}")
            shown[name] = cursor.fetchall()[0][0]
    return (
        f"{os.cpu_count()} cores, load {load:.1f} before; Python {platform.python_version()}, "
        f"PostgreSQL {shown['server_version']} (fsync {shown['fsync']}, synchronous_commit {shown['synchronous_commit']}); "
        f"1 web process, 1 worker with {processes} pool processes, {settings.MIO_SHARDS} shards"
    )


def table(lines: Sequence[Line], pure: dict[str, float]) -> str:
    """The table and what belongs under it."""
    figures = "".join(f"{name:>{WIDTH}}" for name in ("msg/s", "p50 ms", "p99 ms"))
    costs = "".join(f"{name:>{WIDE}}" for name in (*GROUPS[:4], "all", GROUPS[4]))
    others = f"{'others':>{WIDTH}}"
    above = "CPU, µs per message".center(len(costs), "-")
    rows = [" " * (LABEL + 7 + len(figures)) + f" {above}"]
    rows.append("platform answers in, channels".ljust(LABEL + 7) + f"{figures} {costs}{others}")
    for line in lines:
        rows += ["", *_rows(line)]
    return "\n".join([*rows, "", *_by_kind(lines), *_where(lines, pure), NOTES.rstrip(), "", *_verdict(lines)])


def _rows(line: Line) -> list[str]:
    rows = [_row(line.cell.label, name, result) for name, result in line.results.items()]
    if {"hub", "bare"} <= line.results.keys():
        rows.append(_ratio(line.results["hub"], line.results["bare"]))
    return [rows[0], *(" " * LABEL + row[LABEL:] for row in rows[1:])]


def _row(label: str, name: str, result: Result) -> str:
    late = ">" if result.counts.lost else ""
    cells = [f"{result.rate:{WIDTH},.0f}", *(_ms(value, late) for value in (result.p50, result.p99))]
    return f"{label:<{LABEL}} {name:<6}" + "".join(cells) + _costs(_cpu(result), ",.0f") + f"{result.others:{WIDTH}.0%}"


def _ms(value: float, late: str) -> str:
    shown = "–" if math.isnan(value) else f"{late}{value:,.1f}"
    return f"{shown:>{WIDTH}}"


def _cpu(result: Result) -> dict[str, float]:
    """By group, with the sum of all that is under measurement."""
    measured = [result.cpu[group] for group in GROUPS[:4] if group in result.cpu]
    return result.cpu | {"all": sum(measured)}


def _costs(cpu: dict[str, float], form: str) -> str:
    shown = [f"{cpu[group]:{form}}" if group in cpu else "–" for group in (*GROUPS[:4], "all", GROUPS[4])]
    return " " + "".join(f"{one:>{WIDE}}" for one in shown)


def _ratio(hub: Result, bare: Result) -> str:
    figures = [_divided(a, b) for a, b in ((hub.rate, bare.rate), (hub.p50, bare.p50), (hub.p99, bare.p99))]
    ours, theirs = _cpu(hub), _cpu(bare)
    costs = {group: _divided(ours[group], theirs[group]) for group in ours.keys() & theirs.keys() - {GROUPS[4]}}
    return " " * LABEL + " ratio " + "".join(f"{one:{WIDTH}.2f}" for one in figures) + _costs(costs, ".2f")


def _divided(one: float, other: float) -> float:
    return one / other if other else math.nan


def _where(lines: Sequence[Line], pure: dict[str, float]) -> list[str]:
    staged = [line for line in lines if line.stages]
    if not staged:
        return []
    names = [stage.name for stage in staged[0].stages]
    rows = ["where the Hub's time goes, p50 / p99 ms".ljust(LABEL + 7) + "".join(f"{name:>24}" for name in names)]
    for line in staged:
        figures = (f"{stage.p50:,.1f} / {stage.p99:,.1f}" for stage in line.stages)
        rows.append(f"{line.cell.label:<{LABEL + 7}}" + "".join(f"{figure:>24}" for figure in figures))
    if pure:
        rows.append("pure work, µs a message: " + ", ".join(f"{name} {value:,.0f}" for name, value in pure.items()))
    return rows


def _by_kind(lines: Sequence[Line]) -> list[str]:
    kinds = {"posted": "new message", "edited": "edit", "reacted": "reaction"}
    rows = ["latency by what happened, p50 / p99 ms".ljust(LABEL + 7) + "".join(f"{kinds[name]:>24}" for name in kinds)]
    for line in lines:
        for name, result in line.results.items() if line.cell.is_mixed else ():
            took = (result.kinds.get(kind) for kind in kinds)
            figures = (f"{one[0]:,.1f} / {one[1]:,.1f}" if one else "–" for one in took)
            rows.append(f"{line.cell.label:<{LABEL}} {name:<6}" + "".join(f"{figure:>24}" for figure in figures))
    return [*rows, ""] if len(rows) > 1 else []


def hub_results(lines: Sequence[Line]) -> list[Result]:
    """The Hub's results of all cells."""
    return [line.results["hub"] for line in lines if "hub" in line.results]


def sound(lines: Sequence[Line]) -> bool:
    """Whether everything came through the Hub once, in order and to stay, and every webhook was taken."""
    return all(r.counts == NOTHING_WRONG and not r.refused for r in hub_results(lines))


def _verdict(lines: Sequence[Line]) -> list[str]:
    results = hub_results(lines)
    names = {"lost": "lost", "doubled": "doubled", "swapped": "out of order", "stale": "stale"}
    rows = ["hub: " + ", ".join(f"{names[name]} {sum(getattr(r.counts, name) for r in results)}" for name in names)]
    rows += [f"hub: webhooks refused: {sum(r.refused for r in results)}"] if any(r.refused for r in results) else []
    questions = sum(r.questions for r in results)
    asked = f"hub: questions to the platforms (what was said? is it there?): {questions}"
    return rows + ([asked] if questions else [])


def as_json(about: str, lines: Sequence[Line], pure: dict[str, float], conversions: Figures, files: FileFigures) -> str:
    """Everything of the tables for a program; times in ms, CPU in µs per message."""
    cells = [asdict(line.cell) | {"results": line.results, "stages": line.stages} for line in lines]
    is_sound = sound(lines) and files.is_sound
    found = {"conditions": about, "sound": is_sound, "cells": cells, "pure_work": pure, "conversions": conversions}
    return json.dumps(found | {"files": files}, default=_plain, indent=2)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return {name: None if one != one else one for name, one in asdict(value).items()}  # JSON has no NaN
