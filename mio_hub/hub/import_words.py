"""What pages say of an import: how far it is, what it would remove, what it changed."""

from dataclasses import dataclass

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils import timezone

from accounts.importing import ACTIVE
from accounts.models import DirectoryImport
from accounts.progress import Progress, StageProgress, progress
from accounts.stages import Stage

State = DirectoryImport.State

BADGES = {
    State.RUNNING: ("Importing", "warning", "clock"),
    State.ASKING: ("Asks you", "warning", "circle-alert"),
    State.DONE: ("Done", "good", "check"),
    State.CANCELLED: ("Cancelled", "quiet", "x"),
    State.FAILED: ("Failed", "bad", "circle-alert"),
}
"""A state's word, tone and icon."""

LABELS = {
    Stage.ENTER: "Join the chosen teams",
    Stage.TEAMS: "Read the list of teams",
    Stage.PEOPLE: "Read people",
    Stage.CHANNELS: "Read channels",
    Stage.MEMBERS: "Read who is in which channel",
    Stage.MERGE: "Compare with what is known, and keep what is new",
}

THINGS = {
    Stage.ENTER: "team",
    Stage.TEAMS: "team",
    Stage.PEOPLE: "person",
    Stage.CHANNELS: "channel",
    Stage.MEMBERS: "channel",
}
"""What a stage counts."""

KINDS = {"teams": "team", "people": "person", "channels": "channel", "memberships": "membership"}
"""What ``DirectoryImport.report`` counts, in the order of its pages."""

DEEDS = ("added", "changed", "removed")

Changes = tuple[str, dict[str, int]]
"""A kind, and how many of it were added, changed and removed."""


@dataclass(frozen=True, slots=True)
class Badge:
    """A run's state in a word."""

    label: str
    tone: str
    icon: str


@dataclass(frozen=True, slots=True)
class Line:
    """A stage of a run; ``amount`` is empty where nothing of it was counted yet."""

    label: str
    amount: str
    is_done: bool
    is_current: bool


@dataclass(frozen=True, slots=True)
class Told:
    """A run, in words. ``percent`` is None while it cannot be known; ``removals`` are only there while it asks."""

    run: DirectoryImport
    badge: Badge
    progress: Progress
    lines: list[Line]
    percent: int | None
    left: str
    removals: str
    changes: list[Changes]

    @property
    def is_active(self) -> bool:
        """Whether it may still become something else, so that a page asks again."""
        return self.run.state in ACTIVE


def tell(run: DirectoryImport) -> Told:
    """Everything a page shows of a run."""
    now = progress(run)
    percent = None if now.share is None else int(now.share * 100)
    lines = [_line(run, stage) for stage in now.stages]
    return Told(run, badge(run), now, lines, percent, _left(now), removals(run), changes(run))


def _left(now: Progress) -> str:
    """The time left, what the platform has us wait for included."""
    if now.seconds_left is None:
        return ""
    wait = (now.waits_until - timezone.now()).total_seconds() if now.waits_until else 0
    return f"{duration(now.seconds_left + wait)} left"


def badge(run: DirectoryImport) -> Badge:
    return Badge(*BADGES[State(run.state)])


def _line(run: DirectoryImport, stage: StageProgress) -> Line:
    amount = _amount(stage)
    if stage.stage == Stage.MEMBERS and amount:
        amount += f", {many(run.counts.get('memberships', 0), 'membership')}"
    return Line(LABELS[stage.stage], amount, stage.is_done, stage.is_current)


def _amount(stage: StageProgress) -> str:
    thing = THINGS.get(stage.stage)
    if thing is None or not (stage.count or stage.is_done or stage.is_current):
        return ""
    if stage.total is None or stage.is_done:
        return many(stage.count, thing)
    return f"{intcomma(stage.count)} of {many(stage.total, thing)}"


def removals(run: DirectoryImport) -> str:
    """``312 of 900 people and 40 of 5,000 memberships``; empty where it does not ask."""
    if run.state != State.ASKING:
        return ""
    parts = [
        f"{intcomma(figures['removed'])} of {many(figures['of'], KINDS[kind])}"
        for kind, figures in run.report.items()
        if figures["removed"]
    ]
    return " and ".join(parts)


def changes(run: DirectoryImport) -> list[Changes]:
    """What a run that is done did to each kind; of any other it says nothing."""
    if run.state != State.DONE:
        return []
    told = {kind: run.report[kind] for kind in KINDS if kind in run.report}
    return [(kind.capitalize(), {deed: figures[deed] for deed in DEEDS}) for kind, figures in told.items()]


def summary(run: DirectoryImport) -> str:
    """One line of what a run came to: ``12 added, 3 removed``, or why it did not."""
    sums = {deed: sum(figures[deed] for _, figures in changes(run)) for deed in DEEDS}
    told = ", ".join(f"{intcomma(count)} {deed}" for deed, count in sums.items() if count)
    return told or ("Nothing was different" if run.state == State.DONE else run.problem)


def many(count: int, thing: str) -> str:
    """``1 person``, ``1,200 people``."""
    things = {"person": "people"}.get(thing, f"{thing}s")
    return f"{intcomma(count)} {thing if count == 1 else things}"


def duration(seconds: float) -> str:
    """``less than a minute``, ``about 4 minutes``, ``about 2 hours``."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 90:
        return f"about {many(minutes, 'minute')}"
    return f"about {many(round(minutes / 60), 'hour')}"
