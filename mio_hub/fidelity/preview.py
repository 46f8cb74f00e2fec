"""A text as every platform would draw it. Rehearsed in memory: nothing is stored, sent or logged."""

from dataclasses import dataclass

import connectors
from connectors.errors import ConnectorError
from connectors.fidelity import changes
from connectors.markdown import from_markdown
from connectors.rehearsal import Rehearsal
from connectors.richtext import Document

AS_WRITTEN = "Arrives exactly as written."
"""Said under a pane where nothing changed."""

SAMPLE = """\
# Friday release

Hello **everyone**, the *new* search is ~~almost~~ ready 🎉
Numbers are in [the plan](https://example.com/plan):

| What | Before | Now |
|------|--------|-----|
| Query | 420 ms | **38 ms** |

1. Pull the branch
   - and run `make check`
2. Tell us what you find

> Small steps, often.

---

```python
print("ship it 👍🏽")
```
"""
"""A bit of everything, so that the panes differ at first sight."""


@dataclass(frozen=True, slots=True)
class Pane:
    """``messages`` are HTML that is safe to insert, ``payloads`` what was sent as JSON, ``changes`` sentences for people."""

    slug: str
    messages: list[str]
    payloads: tuple[str, ...]
    changes: list[str]


def panes(text: str) -> list[Pane]:
    """Every platform's pane for a text in Markdown; empty ones where there is nothing to say."""
    body = from_markdown(text)
    return [_pane(slug, body) for slug in connectors.slugs()]


def _pane(slug: str, body: Document) -> Pane:
    if not body.blocks:
        return Pane(slug, [], (), [])
    stage = Rehearsal(slug)
    try:
        said = stage.say(body)
    except ConnectorError as error:
        return Pane(slug, [], (), [f"Would not be sent: {error}"])
    return Pane(slug, stage.drawn(), said.payloads, changes(slug, body, said) or [AS_WRITTEN])
