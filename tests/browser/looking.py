"""What keeps somebody from using a page, at every width and in every colour scheme."""

import os
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

AXE = Axe().axe_script
GRAVE = ("serious", "critical")
LOOKS = [(width, scheme) for width in (1440, 375) for scheme in ("light", "dark")]
EXAMINED = {(1440, "light"), (375, "dark")}
"""The looks that axe takes its second at: each width and each scheme once, for contrast does not hang on the width."""

PICTURES = os.environ.get("PICTURES")
"""A folder in which to leave a picture of every page, to look at."""


def faults(page: Page, name: str = "") -> list[str]:
    """Grave findings of axe, and a page that is wider than the screen. With ``name`` a picture is left of each look."""
    found: list[str] = []
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        if PICTURES and name:
            page.screenshot(path=Path(PICTURES) / f"{name}-{width}-{scheme}.png", full_page=True)
        if (width, scheme) in EXAMINED:
            found += [f"{width} {scheme}: {each}" for each in _examined(page)]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{width} {scheme}: wider than the screen")
    return found


def _examined(page: Page) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found: list[Any] = page.evaluate("axe.run({resultTypes: ['violations']}).then(found => found.violations)")
    grave = [each for each in found if each["impact"] in GRAVE]
    return [f"{each['id']} {[node['html'] for node in each['nodes']]}" for each in grave]
