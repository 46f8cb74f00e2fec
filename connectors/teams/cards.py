"""Buttons below a message: an Adaptive Card, which Teams takes from people too (reference teams.md §3.1). Pure."""

import json
from collections.abc import Sequence
from dataclasses import replace

from connectors.contract import Rendered
from connectors.messages import Button
from connectors.teams.attachments import placed

ADAPTIVE = "application/vnd.microsoft.card.adaptive"
VERSION = "1.2"
"""The oldest that has all we need, so that every client draws it."""


def with_buttons(rendered: Rendered, buttons: Sequence[Button]) -> Rendered:
    """A message with buttons that open addresses; where no card is shown, a text with the addresses stands for them.

    What is left between ``LONGEST_TEXT`` and the 28 KB that Teams takes is room for them.
    """
    if not buttons:
        return rendered
    attachment = {"id": "buttons", "contentType": ADAPTIVE, "content": json.dumps(_card(buttons), ensure_ascii=False)}
    body = rendered.payload["body"]
    body = body | {"content": body["content"] + placed(attachment)}
    return replace(rendered, payload=rendered.payload | {"body": body, "attachments": [attachment]})


def _card(buttons: Sequence[Button]) -> dict[str, object]:
    return {
        "type": "AdaptiveCard",
        "version": VERSION,
        "fallbackText": "\n".join(f"{button.label}: {button.url}" for button in buttons),
        "body": [],
        "actions": [{"type": "Action.OpenUrl", "title": button.label, "url": button.url} for button in buttons],
    }
