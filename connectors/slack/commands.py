"""What people ask our app: by a slash command (reference §2.8), by its mention or in a direct message with it.

It is answered for their eyes only.
"""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from connectors.calls import Call, Calls
from connectors.contract import Rendered
from connectors.errors import Gone, Malformed
from connectors.messages import AccountId, Commanded, ConversationId, MessageId
from connectors.richtext import document, plain
from connectors.slack.client import post
from connectors.slack.ids import is_id, is_ts
from connectors.slack.mrkdwn import read_mrkdwn
from connectors.slack.rich_text import Object, text_of
from connectors.slack.web import telling
from connectors.slack.webhook import is_direct

ANSWERS_HOST = "hooks.slack.com"
"""Where Slack lets us answer a slash command: without a token, five times within half an hour."""

DIRECT = "direct"
"""The handle of what was asked in a direct message, where nobody else reads the answer."""

_ADDRESSED = re.compile(r"\s*<@[A-Z0-9]+(?:\|[^<>]*)?>[\s:,]*")


def commanded(content: Object) -> Commanded:
    """A message to our app, with or without its mention; the handle is the thread it was asked in, or ``DIRECT``."""
    text = _ADDRESSED.sub("", text_of(content, "text"), count=1)
    thread = content.get("thread_ts")
    return _command(content, text, DIRECT if is_direct(content) else str(thread) if is_ts(thread) else "")


def slashed(content: Object) -> Commanded:
    """A slash command; the handle is where Slack wants the answer, if that is at Slack."""
    url = text_of(content, "response_url")
    return _command(content, text_of(content, "text"), url if _is_answers_host(url) else "")


def _command(content: Object, text: str, handle: str) -> Commanded:
    user = content.get("user")
    if not isinstance(user, str) or not is_id(user):
        raise Malformed("a command by nobody")
    return Commanded(AccountId(user), plain(document(read_mrkdwn(text, []))), handle)


def _is_answers_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and parts.netloc == ANSWERS_HOST
    except ValueError:
        return False


def answer(command: Commanded, conversation: ConversationId, parts: Sequence[Rendered]) -> Calls[list[MessageId]]:
    """Answer so that only the asker reads it: a slash command works even where our app is not a member."""
    if command.handle == DIRECT:
        return (yield from _say(parts))
    for part in parts:
        said = {"text": part.payload["text"], "blocks": part.payload["blocks"]}
        if not _is_answers_host(command.handle):
            yield _whisper(command, conversation, said)
            continue
        try:
            yield _reply(command.handle, said)
        except Gone:  # the address has expired
            yield _whisper(command, conversation, said)
    return []


def _say(parts: Sequence[Rendered]) -> Calls[list[MessageId]]:
    said: list[MessageId] = []
    for part in parts:
        said += [(yield from post(part))]
    return said


def _reply(url: str, said: dict[str, object]) -> Call:
    return Call(
        "POST", url, scopes=("commands",), bucket="response_url", token="", json={"response_type": "ephemeral"} | said
    )


def _whisper(command: Commanded, conversation: ConversationId, said: dict[str, object]) -> Call:
    where: dict[str, object] = {"channel": conversation, "user": command.account}
    thread = {"thread_ts": command.handle} if is_ts(command.handle) else {}
    return telling("chat.postEphemeral", where | said | thread, "chat:write")
