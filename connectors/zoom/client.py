"""Zoom's REST calls for messages and people (§3): what to ask. No I/O.

With the service user's credentials its account is named in every path; a person's own token acts as ``me`` alone (§1.5).
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from connectors.calls import Call, Calls
from connectors.contract import Credentials, Rendered
from connectors.errors import Gone, Reconnect, Refused, Unavailable, Unsure
from connectors.messages import Account, AccountId, ConversationId, MessageId
from connectors.zoom import ids, reactions
from connectors.zoom.flat import flat
from connectors.zoom.judging import judge, judge_deletion, judge_message, judge_own, judge_reaction, read, told
from connectors.zoom.scopes import ADMIN, USER
from connectors.zoom.spans import units
from connectors.zoom.webhook import moment

API = "https://api.zoom.us/v2"
"""Zoom's global host: valid for every region (§1.1)."""

SEND = (
    "chat_message:write:admin",
    "chat_message:write",
    "team_chat:write:user_message:admin",
    "team_chat:write:user_message",
)
LIST = (
    "chat_message:read:admin",
    "chat_message:write:admin",
    "chat_message:read",
    "chat_message:write",
    "team_chat:read:list_user_messages:admin",
    "team_chat:read:list_user_messages",
)
READ = (
    "chat_message:read:admin",
    "chat_message:write:admin",
    "chat_message:read",
    "chat_message:write",
    "team_chat:read:user_message:admin",
    "team_chat:read:user_message",
)
EDIT = (
    "chat_message:write:admin",
    "chat_message:write",
    "team_chat:update:user_message:admin",
    "team_chat:update:user_message",
)
DELETE = (
    "chat_message:write:admin",
    "chat_message:write",
    "team_chat:delete:user_message:admin",
    "team_chat:delete:user_message",
)
REACT = (
    "chat_message:write:admin",
    "chat_message:write",
    "team_chat:update:message_emoji:admin",
    "team_chat:update:message_emoji",
)
CONTACT = ("chat_contact:read", "team_chat:read:contact")
WHO = ("user:read:admin", "user:read:user:admin")
"""Classic and granular names of the same right; a token has the one or the other (§1.6), a person's without ``:admin``."""

PAGE = 50
"""Messages of one page: the most the list gives."""


def post(credentials: Credentials, rendered: Rendered) -> Calls[MessageId]:
    """Send a message (§3.1); an answer to what is no longer there is said without it."""
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
    return Call(
        "POST", url, SEND, bucket="medium", token=voice(credentials), json=payload, repeatable=False, judge=judge
    )


def edit(credentials: Credentials, message: MessageId, rendered: Rendered, longest: int) -> Calls[None]:
    """Change the text of a message of ours. Spans and mentions are lost: Zoom's edit takes none (§3.1)."""
    text = flat(rendered.payload)
    if units(text) > longest:
        raise Refused("an edit in Zoom is plain text, and with its links and lists typed out this one is too long")
    body = {"message": text, **ids.addressed(credentials, rendered.conversation)}
    url = _message(credentials, message)
    yield Call("PUT", url, EDIT, bucket="medium", token=voice(credentials), json=body, judge=judge_own)


def delete(credentials: Credentials, conversation: ConversationId, message: MessageId) -> Calls[None]:
    """Remove a message of ours, its files with it."""
    query, url = ids.addressed(credentials, conversation), _message(credentials, message)
    yield Call("DELETE", url, DELETE, bucket="medium", token=voice(credentials), query=query, judge=judge_deletion)


def react(
    credentials: Credentials, conversation: ConversationId, message: MessageId, emoji: str, on: bool
) -> Calls[None]:
    """Put an emoji on a message, or take it back (§3.1, §4.4)."""
    body = {"action": "add" if on else "remove", "emoji": reactions.written(emoji)}
    body |= ids.addressed(credentials, conversation)
    url = f"{_message(credentials, message)}/emoji_reactions"
    yield Call("PATCH", url, REACT, bucket="medium", token=voice(credentials), json=body, judge=judge_reaction)


def find(
    credentials: Credentials, rendered: Rendered, since: datetime, fits: Callable[[Mapping[str, Any]], bool] = bool
) -> Calls[list[MessageId]]:
    """Our own posts of this very text since ``since``, oldest first. Zoom hides no nonce: sender and text must do.

    What else a message must be to be it, ``fits`` says.
    """
    email = yield from own_address(credentials)
    query = {
        **ids.addressed(credentials, rendered.conversation),
        "from": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "page_size": str(PAGE),
    }
    found: list[tuple[datetime, MessageId]] = []
    page = ""
    while True:
        turned = query | {"next_page_token": page} if page else query
        response = yield _told_to(credentials, _messages(credentials), LIST, turned)
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


def whole(credentials: Credentials, conversation: ConversationId, message: MessageId) -> Calls[dict[str, Any]]:
    """A message with its reactions and the short-lived addresses of its files, as Zoom tells it."""
    query, url = ids.addressed(credentials, conversation), _message(credentials, message)
    return read((yield _told_to(credentials, url, READ, query, judge_message)))


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
    url = f"{API}/users/{quote(key, safe='@')}"
    return read((yield Call("GET", url, WHO, bucket="light", token=ADMIN, judge=judge)))


def myself() -> Calls[dict[str, Any]]:
    """The user whose own token it is."""
    return read((yield Call("GET", f"{API}/users/me", ("user:read",), bucket="light", token=USER, judge=judge)))


def name_of(user: Mapping[str, Any]) -> str:
    """What a user is called; the e-mail address where no name is set."""
    shown, first, last = (ids.readable(user.get(name)).strip() for name in ("display_name", "first_name", "last_name"))
    return shown or f"{first} {last}".strip() or ids.opaque(user.get("email"))


def own_address(credentials: Credentials) -> Calls[str]:
    """The e-mail address by which message lists name whoever speaks: on record for the service user alone."""
    known = (yield from myself()) if credentials.person else credentials.extra
    email = ids.opaque(known.get("email"))
    if not email:
        raise Reconnect("the e-mail address of the account that speaks is not on record")
    return email


def address_of(credentials: Credentials, account: AccountId) -> Calls[str]:
    """Anybody's e-mail address; empty where Zoom tells none. A person's own token sees the person's contacts alone (§3.5)."""
    if not credentials.person:
        return ids.opaque((yield from person(account)).get("email"))
    url = f"{API}/chat/users/me/contacts/{quote(account, safe='')}"
    return ids.opaque(read((yield _told_to(credentials, url, CONTACT))).get("email"))


def voice(credentials: Credentials) -> str:
    """The kind of token that signs what may be done as the service user and as a person alike."""
    return credentials.person or ADMIN


def account_path(credentials: Credentials) -> str:
    """Whose messages, channels and files they are, below Zoom's API."""
    return f"chat/users/{'me' if credentials.person else quote(credentials.account, safe='')}"


def account_url(credentials: Credentials) -> str:
    """Where the speaker's messages and channels are."""
    return f"{API}/{account_path(credentials)}"


def _messages(credentials: Credentials) -> str:
    return f"{account_url(credentials)}/messages"


def _message(credentials: Credentials, message: MessageId) -> str:
    return f"{_messages(credentials)}/{quote(message, safe='')}"


def _told_to(
    credentials: Credentials,
    url: str,
    scopes: tuple[str, ...],
    query: Mapping[str, str] | None = None,
    judge: Any = judge,
) -> Call:
    return Call("GET", url, scopes, bucket="medium", token=voice(credentials), query=query, judge=judge)
