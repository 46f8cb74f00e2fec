"""Answers in chats, which have no threads: a quote of what is answered (reference teams.md §3.1). Pure."""

import json
from collections.abc import Mapping
from typing import Any

from connectors.naming import one_line, shortened
from connectors.richtext import plain
from connectors.teams.attachments import QUOTE, placed
from connectors.teams.body import read_body
from connectors.teams.values import string

LONGEST_PREVIEW = 200
"""Characters of what is quoted: Teams' own client shows two lines."""


def with_quote(message: Mapping[str, Any], quoted: Mapping[str, Any]) -> dict[str, Any]:
    """A message that begins with a quote of another one; without where that says nothing any more."""
    if quoted.get("deletedDateTime") or not string(quoted.get("id")):
        return dict(message)
    told = {
        "messageId": quoted["id"],
        "messagePreview": shortened(one_line(plain(read_body(quoted).body)), LONGEST_PREVIEW),
        "messageSender": quoted.get("from"),
    }
    attachment = {"id": quoted["id"], "contentType": QUOTE, "content": json.dumps(told, ensure_ascii=False)}
    body = message["body"]
    body = body | {"content": placed(attachment) + body["content"]}
    return {**message, "body": body, "attachments": [attachment, *message.get("attachments", ())]}
