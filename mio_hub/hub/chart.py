"""A small chart of columns for each platform, drawn by a template as SVG.

Not by a library: those that draw on the server (pygal, matplotlib, plotly) write style elements, style attributes or scripts
into the SVG, which our pages forbid, and know nothing of our colours for light and dark. Rectangles are all that we need.
One chart for each platform, all of one scale, so that no colour has to be told from another.
"""

from dataclasses import dataclass

from relay.activity import Day

WIDTH, GAP, HEIGHT = 8, 2, 60
"""Of a column, between two of them, and of the tallest, in units of the drawing."""


@dataclass(frozen=True, slots=True)
class Column:
    """One day's: ``y`` and ``height`` in units of the drawing."""

    x: int
    y: float
    height: float
    day: Day
    width: int = WIDTH


@dataclass(frozen=True, slots=True)
class Chart:
    """What was said at one platform. ``width`` and ``height`` in units of the drawing."""

    platform: str
    columns: list[Column]
    width: int
    height: int = HEIGHT

    @property
    def said(self) -> int:
        return sum(column.day.said for column in self.columns)

    @property
    def delivered(self) -> int:
        return sum(column.day.delivered for column in self.columns)

    @property
    def failed(self) -> int:
        return sum(column.day.failed for column in self.columns)


def charts(traffic: dict[str, list[Day]]) -> list[Chart]:
    """One for each platform."""
    most = max((day.said for days in traffic.values() for day in days), default=0) or 1
    return [
        Chart(platform, [_column(place, day, most) for place, day in enumerate(days)], len(days) * (WIDTH + GAP))
        for platform, days in traffic.items()
    ]


def _column(place: int, day: Day, most: int) -> Column:
    height = max(round(HEIGHT * day.said / most, 1), 1) if day.said else 0
    return Column(place * (WIDTH + GAP), HEIGHT - height, height, day)
