"""The fidelity table and the preview beside it. Public: neither needs a database or a log-in."""

from dataclasses import asdict

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

import connectors
from connectors.fidelity import table
from mio_hub.fidelity.preview import SAMPLE, panes
from mio_hub.limits import Limit, limited

LONGEST = 4_000
"""Characters: four messages of the tersest platform. The worst such text takes under a second to draw, a usual one 20 ms."""

OFTEN = Limit("preview", 60)
"""The page asks once in every pause of a typist: about 30 times a minute. The worst texts cost less than one core so."""


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The table, and the panes still empty: they are filled from the sample at once."""
    platforms = {each.platform.slug: each.platform for each in connectors.everyone()}
    sections = [
        (
            section.title,
            [(row.name, [(platforms[slug], told) for slug, told in row.verdicts.items()]) for row in section.rows],
        )
        for section in table()
    ]
    shown = {"platforms": platforms.values(), "sections": sections, "sample": SAMPLE, "longest": f"{LONGEST:,}"}
    return render(request, "fidelity/page.html", shown)


def _too_often(request: HttpRequest, why: str) -> JsonResponse:
    return JsonResponse({"error": f"The preview was asked for too often. {why}"}, status=429)


@require_POST
@limited(OFTEN, _too_often)
def preview(request: HttpRequest) -> HttpResponse:
    """What becomes of a typed text on every platform."""
    text = request.POST.get("text", "").replace("\r\n", "\n")  # forms send line breaks so
    if len(text) > LONGEST:
        why = f"This text has {len(text):,} characters and the preview draws {LONGEST:,} at most. The panes show how it was."
        return JsonResponse({"error": why}, status=400)
    return JsonResponse({"panes": [asdict(pane) for pane in panes(text)]}, headers={"Cache-Control": "no-store"})
