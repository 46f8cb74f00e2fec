"""Zoom's REST calls for messages and people (§3): what to ask. No I/O."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from connectors.calls import Call, Calls
from connectors.contract import Content, Credentials, Rendered
from connectors.errors import Gone, Reconnect, Refused, Unavailable, Unsure
from connectors.messages import Account, AccountId, ConversationId, MessageId, Reference
from connectors.zoom import ids, reactions
from connectors.zoom.flat import flat
from connectors.zoom.judging import judge, judge_deletion, judge_message, judge_own, judge_reaction, read, told
from connectors.zoom.scopes import ADMIN, USER
from connectors.zoom.spans import units
from connectors.zoom.webhook import moment

API = "https://api.zoom.us/v2"
"""Zoom's global host: valid for every region (§1.1)."""

SEND = ("chat_message:write:admin", "team_chat:write:user_message:admin")
LIST = ("chat_message:read:admin", "chat_message:write:admin", "team_chat:read:list_user_messages:admin")
READ = ("chat_message:read:admin", "chat_message:write:admin", "team_chat:read:user_message:admin")
EDIT = ("chat_message:write:admin", "team_chat:update:user_message:admin")
DELETE = ("chat_message:write:admin", "team_chat:delete:user_message:admin")
REACT = ("chat_message:write:admin", "team_chat:update:message_emoji:admin")
WHO = ("user:read:admin", "user:read:user:admin")
"""Classic and granular names of the same right; a token has the one or the other (§1.6)."""

PAGE = 50
"""Messages of one page: the most the list gives."""


def post(credentials: Credentials, rendered: Rendered) -> Calls[MessageId]:
    """Send a channel message as the service user (§3.1); an answer to what is no longer there is said without it."""
    payload = rendered.payload
    try:
        response = yield _sending(credentials, payload)
    except (Refused, Gone):
        if "reply_main_message_id" not in payload:
            raise
        alone = {name: value for name, value in payload.items() if name != "reply_main_message_id"}
        response = yield _sending(credentials, alone)
    message = ids.message(told(response).get("id"))
    if not message:
        raise Unsure("Zoom took the message without naming its id")
    return message


def _sending(credentials: Credentials, payload: Mapping[str, Any]) -> Call:
    url = _messages(credentials)
    return Call("POST", url, SEND, bucket="medium", token=ADMIN, json=payload, repeatable=False, judge=judge)


def edit(credentials: Credentials, message: MessageId, rendered: Rendered, longest: int) -> Calls[None]:
    """Change the text of a message of ours. Spans and mentions are lost: Zoom's edit takes none (§3.1)."""
    text = flat(rendered.payload)
    if units(text) > longest:
        raise Refused("an edit in Zoom is plain text, and with its links and lists typed out this one is too long")
    body = {"message": text, "to_channel": rendered.conversation}
    url = _message(credentials, message)
    yield Call("PUT", url, EDIT, bucket="medium", token=ADMIN, json=body, judge=judge_own)


def delete(credentials: Credentials, conversation: ConversationId, message: MessageId) -> Calls[None]:
    """Remove a message of ours, its files with it."""
    query, url = {"to_channel": conversation}, _message(credentials, message)
    yield Call("DELETE", url, DELETE, bucket="medium", token=ADMIN, query=query, judge=judge_deletion)


def react(
    credentials: Credentials, conversation: ConversationId, message: MessageId, emoji: str, on: bool
) -> Calls[None]:
    """Put an emoji on a message as the service user, or take it back (§3.1, §4.4)."""
    body = {"action": "add" if on else "remove", "emoji": reactions.written(emoji), "to_channel": conversation}
    url = f"{_message(credentials, message)}/emoji_reactions"
    yield Call("PATCH", url, REACT, bucket="medium", token=ADMIN, json=body, judge=judge_reaction)


def find(
    credentials: Credentials, rendered: Rendered, since: datetime, fits: Callable[[Mapping[str, Any]], bool] = bool
) -> Calls[list[MessageId]]:
    """Our own posts of this very text since ``since``, oldest first. Zoom hides no nonce: sender and text must do.

    What else a message must be to be it, ``fits`` says.
    """
    email = credentials.extra.get("email", "")
    if not email:
        raise Reconnect("the service user's e-mail address is not on record")
    query = {
        "to_channel": rendered.conversation,
        "from": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "page_size": str(PAGE),
    }
    found: list[tuple[datetime, MessageId]] = []
    page = ""
    while True:
        turned = query | {"next_page_token": page} if page else query
        response = yield _get(_messages(credentials), LIST, "medium", turned)
        answer = read(response)
        ours = _matching(answer.get("messages"), email, rendered.payload["message"], since)
        found += [(at, ids.message(message.get("id"))) for at, message in ours if fits(message)]
        page = ids.opaque(answer.get("next_page_token"))
        if not page:
            return [message for _, message in sorted(found)]


def _matching(messages: object, email: str, text: str, since: datetime) -> Iterator[tuple[datetime, Mapping[str, Any]]]:
    if not isinstance(messages, list):
        raise Unavailable("Zoom's answer lists no messages")
    for message in messages:
        if isinstance(message, dict) and (message.get("message") or "") == text:
            at = moment(message.get("timestamp")) or since
            if str(message.get("sender")).lower() == email.lower() and at >= since.replace(microsecond=0):
                yield at, message


def fetch(credentials: Credentials, reference: Reference) -> Calls[Content]:
    """A message in the shape webhooks have: addresses are looked up, since this call names no user ids (§3.1).

    ``fetched`` tells it from a webhook's: it holds the reactions as they stand.
    """
    if not reference.message:
        raise Gone("an event that Zoom keeps nowhere")
    message = yield from whole(credentials, reference.conversation, reference.message)
    users: dict[str, str] = {}
    for address in _addresses(message):
        users[address] = yield from _user_id(address)
    content = message | {
        "fetched": True,
        "operator": message.get("sender"),
        "operator_id": users.get(_address(message.get("sender")), ""),
        "operator_member_id": message.get("send_member_id"),
    }
    if items := _items(message):
        content["at_items"] = [
            item | {"at_contact_user_id": users.get(_address(item.get("at_contact")), "")} for item in items
        ]
    return content


def whole(credentials: Credentials, conversation: ConversationId, message: MessageId) -> Calls[dict[str, Any]]:
    """A message with its reactions and the short-lived addresses of its files, as Zoom tells it."""
    response = yield _get(_message(credentials, message), READ, "medium", {"to_channel": conversation}, judge_message)
    return read(response)


def _items(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    items = message.get("at_items")
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _addresses(message: Mapping[str, Any]) -> list[str]:
    """The sender's and the mentioned people's, each once."""
    everyone = [message.get("sender"), *(item.get("at_contact") for item in _items(message))]
    return list(dict.fromkeys(filter(None, map(_address, everyone))))


def _address(value: object) -> str:
    return value.strip() if isinstance(value, str) and "@" in value else ""


def _user_id(address: str) -> Calls[str]:
    """The user behind an address; empty for a person of another account, whom only the member id tells."""
    try:
        user = yield from person(address)
    except Gone:
        return ""
    return ids.opaque(user.get("id"))


def account(account: AccountId) -> Calls[Account]:
    """One person of the account. A person from outside cannot be looked up: ``Gone``."""
    if ids.is_outsider(account):
        raise Gone("a person of another Zoom account")
    user = yield from person(account)
    return account_of(user | {"id": user.get("id") or account}, is_deleted=user.get("status") == "inactive")


def account_of(user: Mapping[str, Any], *, is_deleted: bool) -> Account:
    """A user as any answer shows one. The account's users are neither guests nor bots, and lists have no pictures (§3.5)."""
    return Account(
        id=ids.account(user.get("id")),
        name=name_of(user),
        email=ids.opaque(user.get("email")),
        avatar_url=ids.readable(user.get("pic_url")),
        is_deleted=is_deleted,
    )


def person(key: str) -> Calls[dict[str, Any]]:
    """A user as Zoom shows one: by id or e-mail address, or ``me`` for whom the token is of (§1.8)."""
    return read((yield _get(f"{API}/users/{quote(key, safe='@')}", WHO, "light")))


def myself() -> Calls[dict[str, Any]]:
    """The user whose own token it is."""
    return read((yield Call("GET", f"{API}/users/me", ("user:read",), bucket="light", token=USER, judge=judge)))


def name_of(user: Mapping[str, Any]) -> str:
    """What a user is called; the e-mail address where no name is set."""
    shown, first, last = (ids.readable(user.get(name)).strip() for name in ("display_name", "first_name", "last_name"))
    return shown or f"{first} {last}".strip() or ids.opaque(user.get("email"))


def account_url(credentials: Credentials) -> str:
    """Where the service user's messages and channels are."""
    return f"{API}/chat/users/{quote(credentials.account, safe='')}"


def _messages(credentials: Credentials) -> str:
    return f"{account_url(credentials)}/messages"


def _message(credentials: Credentials, message: MessageId) -> str:
    return f"{_messages(credentials)}/{quote(message, safe='')}"


def _get(
    url: str, scopes: tuple[str, ...], bucket: str, query: Mapping[str, str] | None = None, judge: Any = judge
) -> Call:
    return Call("GET", url, scopes, bucket=bucket, token=ADMIN, query=query, judge=judge)
