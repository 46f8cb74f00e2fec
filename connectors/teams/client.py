"""Calls to Microsoft Graph (reference teams.md §3) and what its answers mean."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from connectors.calls import Call, Calls, Response, judge_status
from connectors.contract import Content, Rendered
from connectors.errors import ConnectorError, Gone, NotSupported, Reconnect, Refused, Unavailable, Unsure
from connectors.messages import AccountId, ConversationId, MessageId, Reference
from connectors.richtext import plain
from connectors.teams.attachments import QUOTE, REFERENCE, placed
from connectors.teams.body import read_body
from connectors.teams.ids import deleting_path, is_channel, message_id, message_path, messages_path, replies_path
from connectors.teams.needs import needs
from connectors.teams.quoting import with_quote
from connectors.teams.render import marker
from connectors.teams.scopes import APP, SERVICE
from connectors.teams.values import mapping, timestamp

GRAPH = "https://graph.microsoft.com/v1.0"
PAGE = 50
"""The most messages Graph lists at once (§3.5)."""
PAGES = 20
"""Pages read to find a lost send: a thousand threads, hours of a busy channel, at one page per second."""
CLOCK_SKEW = timedelta(seconds=60)
"""How far Microsoft's clock and ours may differ; the caller drops what it knows already."""
READ_ERROR_BYTES = 4096
"""The part of an error's body that is read: codes and sentences of Graph stand at its beginning."""

Judge = Callable[[Call, Response], None]
_Outcome = tuple[type[ConnectorError], str]
_TELLING: Mapping[int, tuple[tuple[str, _Outcome], ...]] = {
    400: (
        ("request entity too large", (Refused, "the message is too long for Teams")),
        ("validation request failed", (Unavailable, "Microsoft could not reach the Hub's address for notifications")),
        ("already existed", (Refused, "another channel of the team has, or had until lately, this name")),
    ),
    401: (
        ("application-only context", (Reconnect, "Teams lets only a signed-in service account post: sign it in again")),
    ),
    404: (("not ready yet", (Unavailable, "the channel's folder is not ready yet")),),
    403: (
        ("aclcheckfailed", (Refused, "the service account is not a member of this team or channel")),
        ("guestaccessdenied", (Refused, "Teams does not let guests do this")),
        ("teams is disabled", (Refused, "Teams is switched off for this tenant, or the account has no licence")),
        (
            "authorization_requestdenied",
            (Reconnect, "a directory permission is missing: an administrator must consent"),
        ),
    ),
}
"""Words in an error's code or message, where the status alone does not say what to do (§3.0)."""
_PLAIN: Mapping[int, _Outcome] = {
    401: (Reconnect, "Microsoft no longer accepts our sign-in"),
    403: (Refused, "Teams forbids this: a policy of the tenant, or a message of somebody else"),
    412: (Unavailable, "Teams asked to try again"),
    413: (Refused, "the message is too long for Teams"),
}
_MISSING = re.compile(r"Missing (?:scope|role) permissions.*?API requires one of '([\w., ]*)'", re.DOTALL)


def judge(call: Call, response: Response) -> None:
    """Raise what Graph's answer means; the words of its error decide where several meanings share a status."""
    if response.status < 400:
        return
    said = response.body[:READ_ERROR_BYTES].decode("utf-8", "replace")
    if response.status == 403 and (missing := _MISSING.search(said)):
        raise Reconnect(f"a permission is missing, an administrator must consent to one of: {missing[1]}")
    for words, (error, reason) in _TELLING.get(response.status, ()):
        if words in said.lower():
            raise error(reason)
    if outcome := _PLAIN.get(response.status):
        error, reason = outcome
        raise error(reason)
    judge_status(call, response)


def post(rendered: Rendered) -> Calls[MessageId]:
    """A new message or reply. There is no idempotency key: a lost answer is ``Unsure``."""
    root, message = _sent(rendered)
    if root and not is_channel(rendered.conversation):
        message = yield from _quoting(rendered.conversation, MessageId(root), message)
        root = None
    need = needs(rendered.conversation)
    response = yield Call(
        "POST",
        GRAPH + _place(rendered),
        scopes=need.send,
        bucket=f"post {need.kind} message",
        token=SERVICE,
        json=message,
        repeatable=False,
        judge=judge,
    )
    try:
        return message_id(response.json()["id"], root)
    except (Unavailable, KeyError, TypeError) as error:
        raise Unsure("Teams accepted the message without naming it") from error


def _quoting(conversation: ConversationId, answered: MessageId, message: dict[str, Any]) -> Calls[dict[str, Any]]:
    """Teams' own call for quoting takes a permission that people are not asked for, so the quote is made here."""
    try:
        quoted = mapping((yield _read(conversation, message_path(conversation, answered))).json())
    except (Gone, Refused):
        return message
    return with_quote(message, quoted)


def _sent(rendered: Rendered) -> tuple[str | None, dict[str, Any]]:
    """The root that is answered, if any, and the chatMessage as Graph takes it."""
    message = dict(rendered.payload)
    return message.pop("replyToId", None), message


def _place(rendered: Rendered) -> str:
    """The list to which a message belongs: the conversation's, or in a channel the replies of its root."""
    root, _ = _sent(rendered)
    if root and is_channel(rendered.conversation):
        return replies_path(rendered.conversation, root)
    return messages_path(rendered.conversation)


def edit(message: MessageId, rendered: Rendered) -> Calls[None]:
    """Replace our message's text. What is sent replaces everything, so its files, and in a chat what it answers, are looked
    up and sent again (§3.2)."""
    path = message_path(rendered.conversation, message)
    standing = (yield _read(rendered.conversation, path)).json()
    if standing.get("deletedDateTime"):
        raise Gone("the message was deleted")
    _, changed = _sent(rendered)
    if kept := [one for one in standing.get("attachments") or () if one.get("contentType") in (REFERENCE, QUOTE)]:
        tags = {kind: "".join(placed(one) for one in kept if one["contentType"] == kind) for kind in (QUOTE, REFERENCE)}
        content = tags[QUOTE] + changed["body"]["content"] + tags[REFERENCE]
        changed |= {"body": changed["body"] | {"content": content}, "attachments": kept}
    yield _write("PATCH", path, needs(rendered.conversation).change, changed)


def delete(conversation: ConversationId, message: MessageId, author: AccountId) -> Calls[None]:
    """Delete our message; its replies stay. Where Teams refuses, it is asked whether the message is gone already."""
    try:
        yield _write("POST", deleting_path(conversation, message, author), needs(conversation).change)
    except Gone:
        return
    except Refused:
        if not (yield from _is_deleted(conversation, message)):
            raise


def _is_deleted(conversation: ConversationId, message: MessageId) -> Calls[bool]:
    try:
        standing = (yield _read(conversation, message_path(conversation, message))).json()
    except Gone:
        return True
    return bool(standing.get("deletedDateTime"))


def react(conversation: ConversationId, message: MessageId, emoji: str, on: bool) -> Calls[None]:
    """Set or unset a reaction of our account. A custom emoji cannot be set through Graph (§3.3)."""
    if emoji.isascii() or emoji.startswith(":"):
        raise NotSupported("Teams takes no custom emoji as a reaction")
    action = "setReaction" if on else "unsetReaction"
    path = f"{message_path(conversation, message)}/{action}"
    try:
        yield _write("POST", path, needs(conversation).send, {"reactionType": emoji}, _judge_reaction)
    except Gone:
        if on:
            raise


def _judge_reaction(call: Call, response: Response) -> None:
    """Of a reaction nothing but the emoji can be wrong."""
    if response.status == 400:
        raise NotSupported("Teams does not take this emoji as a reaction")
    judge(call, response)


def _write(
    method: str, path: str, scopes: tuple[str, ...], sent: Mapping[str, Any] | None = None, judge: Judge = judge
) -> Call:
    """A change that does no harm when it is made twice."""
    return Call(method, GRAPH + path, scopes=scopes, bucket="write", token=SERVICE, json=sent, judge=judge)


def fetch(reference: Reference) -> Calls[Content]:
    """The message as it is now. A deleted one is still served, without text; a system message says what it tells."""
    response = yield _read(reference.conversation, message_path(reference.conversation, reference.message))
    message = response.json()
    if not isinstance(message, dict):
        raise Unavailable("Teams answered with something that is no message")
    if message.get("deletedDateTime"):
        raise Gone("the message was deleted")
    return message


def find(
    rendered: Rendered, author: AccountId, since: datetime, fits: Callable[[Mapping[str, Any]], bool] = bool
) -> Calls[list[MessageId]]:
    """Our message among the newest: by its marker, or by author and text where Teams dropped the marker; it must fit.

    Of the link to the next page only the query is used: a token must not travel to a host that an answer names.
    """
    place, page_query = _place(rendered), f"$top={PAGE}"
    root = _sent(rendered)[0] if is_channel(rendered.conversation) else None
    ours: list[Mapping[str, Any]] = []
    for _ in range(PAGES):
        response = yield _read(rendered.conversation, f"{place}?{page_query}", "list {} messages")
        page = response.json()
        messages = page.get("value") if isinstance(page, dict) else None
        if not isinstance(messages, list):
            raise Unavailable("Teams answered without a list of messages")
        ours += [message for message in messages if _is_ours(message, author, since) and fits(message)]
        page_query = urlsplit(page.get("@odata.nextLink") or "").query
        if not page_query or any(_before(message, since) for message in messages):
            return [message_id(message["id"], root) for message in _matching(rendered, ours)]
    raise Unsure("too much was said since to look for a lost message")


def _read(conversation: ConversationId, path: str, bucket: str = "get {} message") -> Call:
    """Without the preference, system messages are only said to be of an unknown kind (§3.1)."""
    need, prefer = needs(conversation), {"Prefer": "include-unknown-enum-members"}
    return Call("GET", GRAPH + path, need.read, bucket.format(need.kind), APP, headers=prefer, judge=judge)


def _is_ours(message: Mapping[str, Any], author: AccountId, since: datetime) -> bool:
    user = (message.get("from") or {}).get("user") or {}
    return user.get("id") == author and not message.get("deletedDateTime") and not _before(message, since)


def _before(message: Mapping[str, Any], since: datetime) -> bool:
    at = timestamp(message.get("createdDateTime"))
    return at is not None and at < since - CLOCK_SKEW


def _matching(rendered: Rendered, messages: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    marked = [message for message in messages if _title(rendered.nonce) in _content(message)]
    unmarked = [message for message in messages if _ANY_TITLE not in _content(message)]
    wanted = _text(rendered.payload)
    found = marked or [message for message in unmarked if _text(message) == wanted]
    return sorted(found, key=_created)


_ANY_TITLE = 'title="mio-'


def _title(nonce: str) -> str:
    return marker(nonce).removeprefix("<abbr ").partition(">")[0]


def _content(message: Mapping[str, Any]) -> str:
    return (message.get("body") or {}).get("content") or ""


def _text(message: Mapping[str, Any]) -> str:
    return " ".join(plain(read_body(message).body).split())


def _created(message: Mapping[str, Any]) -> str:
    return str(message["id"]).zfill(20)
