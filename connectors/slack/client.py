"""What the Hub asks of Slack's Web API (reference §3). Generators of ``Call``s, no I/O."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from connectors.calls import Calls, Response
from connectors.contract import Content, Rendered
from connectors.errors import Gone, NotSupported, Reconnect, Refused, Unsure
from connectors.messages import ConversationId, MessageId, Reference
from connectors.slack.ids import fitting, is_ts, post_bucket, ts_of
from connectors.slack.reactions import is_truncated, name_of
from connectors.slack.render import METADATA_TYPE, attributed
from connectors.slack.rich_text import Object, objects, text_of
from connectors.slack.web import asking, inner, telling

HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")
"""Any one that ``fitting`` leaves."""

PAGES = 20
"""Pages searched for a lost post: four thousand messages since it was sent, hours of a busy channel."""
PAGE = 200
"""Messages per page, as Slack recommends; unlisted shared apps are given 15 whatever they ask for (§3.1)."""
CLOCK_MARGIN = timedelta(minutes=1)
"""Slack's clock numbers the messages and ours says since when: they may disagree by less than this."""


def post(rendered: Rendered) -> Calls[MessageId]:
    """Say it, under the name that it borrows or under the app's own."""
    call = telling("chat.postMessage", rendered.payload, "chat:write")
    response = yield replace(call, bucket=post_bucket(rendered.conversation), repeatable=False)
    ts = response.json().get("ts")
    if not is_ts(ts):
        raise Unsure("Slack did not say which message it made")
    return MessageId(ts)


def find(rendered: Rendered, since: datetime, is_ours: Callable[[Object], bool]) -> Calls[list[MessageId]]:
    """Our own post that carries the nonce of ``rendered``; at most one. Replies are looked for in their thread."""
    return (yield from search(rendered, since, lambda message: is_ours(message) and _is_marked(message, rendered)))


def search(rendered: Rendered, since: datetime, fits: Callable[[Object], bool]) -> Calls[list[MessageId]]:
    """What was said since in the channel or thread where ``rendered`` belongs, and fits; oldest first."""
    place, oldest = rendered.conversation, ts_of(since - CLOCK_MARGIN)
    if thread := rendered.payload.get("thread_ts"):
        try:
            return (yield from _listed("conversations.replies", place, fits, oldest=oldest, ts=thread))
        except Gone:
            pass  # its root was deleted before: Slack then puts a reply beside it, into the channel (§3.3)
    return (yield from _listed("conversations.history", place, fits, oldest=oldest))


def _listed(method: str, place: ConversationId, fits: Callable[[Object], bool], **form: str) -> Calls[list[MessageId]]:
    form |= {"channel": place, "limit": str(PAGE), "include_all_metadata": "1"}
    scopes, found = fitting(place, *HISTORY), list[MessageId]()
    for _ in range(PAGES):
        page = (yield asking(method, *scopes, **form)).json()
        matching = (
            message["ts"] for message in objects(page.get("messages")) if is_ts(message.get("ts")) and fits(message)
        )
        found += map(MessageId, matching)
        cursor = text_of(inner(page, "response_metadata"), "next_cursor")
        if not cursor:
            return sorted(found)
        form["cursor"] = cursor
    if found:
        return sorted(found)
    raise Unsure("too much was said since to look for a lost message")


def _is_marked(message: Object, rendered: Rendered) -> bool:
    metadata = inner(message, "metadata")
    is_ours = metadata.get("event_type") == METADATA_TYPE
    return is_ours and inner(metadata, "event_payload").get("nonce") == rendered.nonce


def edit(message: MessageId, rendered: Rendered) -> Calls[None]:
    """Replace the text of our message.

    A name that was borrowed for the post cannot be given again and may be lost (§3.3): then it is said in the text.
    """
    where = {"channel": rendered.conversation, "ts": message, "parse": "none"}
    response = yield telling("chat.update", where | _said(rendered.payload), "chat:write")
    name = rendered.payload.get("username")
    if name and text_of(inner(response.json(), "message"), "username") != name:
        yield telling("chat.update", where | _said(attributed(rendered.payload)), "chat:write")


def _said(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {"text": payload["text"], "blocks": payload["blocks"]}


def delete(conversation: ConversationId, message: MessageId) -> Calls[None]:
    """Remove our message, and the files that came with it: without it they would still be found in the workspace."""
    look = asking("reactions.get", "reactions:read", channel=conversation, timestamp=message)
    try:
        found = inner((yield look).json(), "message")
    except (Gone, Reconnect, Refused):  # nothing there, or not ours to look: the message itself is still to be removed
        found = {}
    for file in objects(found.get("files")):
        settled = ("file_not_found", "file_deleted", "cant_delete_file")
        yield telling("files.delete", {"file": text_of(file, "id")}, "files:write", settled=settled)
    where = {"channel": conversation, "ts": message}
    yield telling("chat.delete", where, "chat:write", settled=("message_not_found",))


def react(conversation: ConversationId, message: MessageId, emoji: str, on: bool) -> Calls[None]:
    """Put our one reaction of a kind on a message, or take it back. Raises ``NotSupported`` for an unknown emoji."""
    name = name_of(emoji)
    if name is None:
        raise NotSupported("Slack has no name for this emoji")
    method, settled = ("add", ("already_reacted",)) if on else ("remove", ("no_reaction", "message_not_found"))
    where = {"channel": conversation, "timestamp": message, "name": name}
    yield telling(f"reactions.{method}", where, "reactions:write", settled=settled)


def fetch(reference: Reference) -> Calls[Content]:
    """The message in the shape of its event, with everybody who reacted. A channel's history has no replies: they are
    asked for as a thread's."""
    if not is_ts(reference.message):
        raise Gone("Slack tells this only once")
    where = {"channel": reference.conversation, "oldest": reference.message, "latest": reference.message}
    scopes = fitting(reference.conversation, *HISTORY)
    response = yield asking("conversations.history", *scopes, inclusive="1", limit="1", **where)
    found = _one(response, reference.message)
    if found is None:
        call = asking("conversations.replies", *scopes, ts=reference.message, inclusive="1", limit="2", **where)
        found = _one((yield call), reference.message)
    if found is None or found.get("subtype") == "tombstone":
        raise Gone("the message is no longer there")
    if is_truncated(found):
        found = {**found, "reactions": (yield from _reactions(reference))}
    return _as_event(found, reference.conversation)


def _reactions(reference: Reference) -> Calls[Any]:
    """Listings name only some of many who reacted."""
    where = {"channel": reference.conversation, "timestamp": reference.message}
    response = yield asking("reactions.get", "reactions:read", full="1", **where)
    return inner(response.json(), "message").get("reactions")


def _one(response: Response, ts: MessageId) -> Object | None:
    return next((message for message in objects(response.json().get("messages")) if message.get("ts") == ts), None)


def _as_event(message: Object, conversation: ConversationId) -> Content:
    """Messages of a listing do not repeat the channel they are in."""
    return {**message, "channel": conversation}
