"""Downloads that a spreadsheet opens."""

import csv
from collections.abc import AsyncIterator, Sequence
from io import StringIO

from django.http import StreamingHttpResponse
from django.utils import timezone

from mio_hub.streaming import streamed

RISKY = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
"""With these a spreadsheet takes a cell for a formula (OWASP, "CSV injection"); some pass over blanks before them."""


def line(cells: Sequence[str]) -> str:
    """One line of a CSV file; no cell is a formula."""
    written = StringIO()
    csv.writer(written).writerow(
        f"'{cell}" if cell.startswith(RISKY) or cell.lstrip().startswith(RISKY) else cell for cell in cells
    )
    return written.getvalue()


def download(name: str, lines: AsyncIterator[str]) -> StreamingHttpResponse:
    """The answer that brings ``lines`` as a file, today's date in its name."""
    disposition = f'attachment; filename="{name}-{timezone.localdate().isoformat()}.csv"'
    headers = {"Content-Disposition": disposition}
    return streamed(lines, "text/csv; charset=utf-8", headers)
