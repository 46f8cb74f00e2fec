"""How far a run is, as a page shows it."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

import connectors
from accounts.models import DirectoryImport
from accounts.stages import KINDS, Stage, stages_of

ONE_BY_ONE = {stage: KINDS[stage] for stage in (Stage.ENTER, Stage.MEMBERS)}
"""Their progress is what ``counts`` says; of the others one knows the pages."""


@dataclass(frozen=True, slots=True)
class StageProgress:
    """``count`` things were read, of ``total`` if that is known; for ``MEMBERS`` both are channels."""

    stage: Stage
    count: int
    total: int | None
    is_done: bool
    is_current: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """``share`` from 0 to 1 and ``seconds_left`` are None while they cannot be known.

    ``waits_until``: when the platform lets us go on; None where it does now.
    """

    stages: list[StageProgress]
    share: float | None
    seconds_left: float | None
    waits_until: datetime | None


def progress(run: DirectoryImport) -> Progress:
    """Where a run is. Time left is what the rest takes at the pace so far, the platform's limits included."""
    now = timezone.now()
    stages = stages_of(run, connectors.get(run.installation.platform))
    current = stages.index(Stage(run.stage)) if run.stage else 0
    shown = [_stage(run, stage, place, current) for place, stage in enumerate(stages)]
    share = _share(run, stages, current)
    elapsed = (now - run.started_at).total_seconds()
    left = elapsed * (1 - share) / share if share else None
    waits = run.not_before if run.not_before and run.not_before > now else None
    return Progress(shown, share, left, waits)


def _stage(run: DirectoryImport, stage: Stage, place: int, current: int) -> StageProgress:
    is_done = place < current or run.state == DirectoryImport.State.DONE
    return StageProgress(
        stage,
        run.counts.get(KINDS[stage], 0),
        run.totals.get(KINDS[stage]),
        is_done,
        place == current and not is_done,
    )


def _share(run: DirectoryImport, stages: list[Stage], current: int) -> float | None:
    """Of all that must be asked for what was: pages, or the teams and channels that are gone through one by one."""
    if run.state == DirectoryImport.State.DONE:
        return 1.0
    last = last_done(run)
    done, all_of_it = 0, 0.0
    for place, stage in enumerate(stages):
        asked: int = (run.counts if stage in ONE_BY_ONE else run.pages).get(ONE_BY_ONE.get(stage, stage), 0)
        expected = asked if place < current else _expected(run, stage, last)
        if expected is None:
            return None
        done += asked
        all_of_it += expected
    return min(done / max(all_of_it, 1), 0.99)


def _expected(run: DirectoryImport, stage: Stage, last: DirectoryImport | None) -> float | None:
    """How much of a stage that is not over: by what the platform tells, else as much as last time; None for unknown."""
    if stage == Stage.MERGE or (stage == Stage.PEOPLE and run.is_delta):
        return 1
    read: int = run.pages.get(stage, 0)
    count: int = run.counts.get(KINDS[stage], 0)
    total: int | None = run.totals.get(KINDS[stage])
    if stage in ONE_BY_ONE:
        return total if total is not None or last is None else last.counts.get(KINDS[stage])
    if total is not None and count:
        return max(read * total / count, read)
    before: int | None = last.pages.get(stage) if last else None
    return before if before is not None and read <= before else None


def last_done(run: DirectoryImport) -> DirectoryImport | None:
    """The last run of its kind that came to its end."""
    done = DirectoryImport.objects.filter(
        installation=run.installation_id,
        state=DirectoryImport.State.DONE,
        is_listing=run.is_listing,
        pk__lt=run.pk,
    )
    return done.order_by("-pk").first()
