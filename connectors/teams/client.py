"""Calls to Microsoft Graph (reference teams.md §3) and what its answers mean."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from connectors.calls import Call, Calls, Response, judge_status
from connectors.contract import Content, Rendered
from connectors.errors import ConnectorError, Gone, Reconnect, Refused, Unavailable, Unsure
from connectors.messages import Account, AccountId, MessageId, Reference
from connectors.richtext import plain
from connectors.teams.ids import message_id, message_path, messages_path
from connectors.teams.parse import document_of, timestamp
from connectors.teams.render import marker

GRAPH = "https://graph.microsoft.com/v1.0"
PAGE = 50
"""The most messages Graph lists at once (§3.5)."""
PAGES = 20
"""Pages read to find a lost send: a thousand threads, hours of a busy channel, at one page per second."""
CLOCK_SKEW = timedelta(seconds=60)
"""How far Microsoft's clock and ours may differ; the caller drops what it knows already."""
READ_ERROR_BYTES = 4096
"""The part of an error's body that is read: codes and sentences of Graph stand at its beginning."""

_APP, _SERVICE = "app", "service"

_Outcome = tuple[type[ConnectorError], str]
_TELLING: Mapping[int, tuple[tuple[str, _Outcome], ...]] = {
    400: (("request entity too large", (Refused, "the message is too long for Teams")),),
    401: (
        ("application-only context", (Reconnect, "Teams lets only a signed-in service account post: sign it in again")),
    ),
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
    403: (Refused, "Teams forbids this"),
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
    """A new message of the service account. There is no idempotency key: a lost answer is ``Unsure``."""
    response = yield Call(
        "POST",
        GRAPH + messages_path(rendered.conversation),
        scopes=("ChannelMessage.Send",),
        bucket="post channel message",
        token=_SERVICE,
        json=rendered.payload,
        repeatable=False,
        judge=judge,
    )
    try:
        return message_id(response.json()["id"])
    except (Unavailable, KeyError, TypeError) as error:
        raise Unsure("Teams accepted the message without naming it") from error


def fetch(reference: Reference) -> Calls[Content]:
    """The message as it is now. A deleted one is still served, without text."""
    response = yield _read(GRAPH + message_path(reference.conversation, reference.message), "get channel message")
    message = response.json()
    if not isinstance(message, dict):
        raise Unavailable("Teams answered with something that is no message")
    if message.get("deletedDateTime"):
        raise Gone("the message was deleted")
    return message


def account(account: AccountId) -> Calls[Account]:
    """A person of the tenant. Photographs are not public in Teams, so there is no address of one."""
    response = yield Call(
        "GET",
        f"{GRAPH}/users/{quote(account, safe='')}",
        scopes=("User.Read.All",),
        bucket="get user",
        token=_APP,
        query={"$select": "id,displayName,mail,proxyAddresses"},
        judge=judge,
    )
    user = response.json()
    return Account(AccountId(user["id"]), user.get("displayName") or "", _email(user))


def _email(user: Mapping[str, Any]) -> str:
    """``mail`` may be missing; then the primary of the mail aliases. The sign-in name is no address (§3.6)."""
    aliases = (alias.removeprefix("SMTP:") for alias in user.get("proxyAddresses") or () if alias.startswith("SMTP:"))
    return user.get("mail") or next(aliases, "")


def find(rendered: Rendered, author: AccountId, since: datetime) -> Calls[list[MessageId]]:
    """Our message among the newest: by its marker, or by author and text where Teams dropped the marker.

    Of the link to the next page only the query is used: a token must not travel to a host that an answer names.
    """
    url, page_query = GRAPH + messages_path(rendered.conversation), f"$top={PAGE}"
    ours: list[Mapping[str, Any]] = []
    for _ in range(PAGES):
        response = yield _read(f"{url}?{page_query}", "list channel messages")
        page = response.json()
        messages = page.get("value") if isinstance(page, dict) else None
        if not isinstance(messages, list):
            raise Unavailable("Teams answered without a list of messages")
        ours += [message for message in messages if _is_ours(message, author, since)]
        page_query = urlsplit(page.get("@odata.nextLink") or "").query
        if not page_query or any(_before(message, since) for message in messages):
            return _matching(rendered, ours)
    raise Unsure("too much was said since to look for a lost message")


def _read(url: str, bucket: str) -> Call:
    return Call("GET", url, scopes=("ChannelMessage.Read.All",), bucket=bucket, token=_APP, judge=judge)


def _is_ours(message: Mapping[str, Any], author: AccountId, since: datetime) -> bool:
    user = (message.get("from") or {}).get("user") or {}
    return user.get("id") == author and not message.get("deletedDateTime") and not _before(message, since)


def _before(message: Mapping[str, Any], since: datetime) -> bool:
    at = timestamp(message.get("createdDateTime"))
    return at is not None and at < since - CLOCK_SKEW


def _matching(rendered: Rendered, messages: list[Mapping[str, Any]]) -> list[MessageId]:
    marked = [message for message in messages if _title(rendered.nonce) in _content(message)]
    unmarked = [message for message in messages if _ANY_TITLE not in _content(message)]
    wanted = _text(rendered.payload)
    found = marked or [message for message in unmarked if _text(message) == wanted]
    return [message_id(message["id"]) for message in sorted(found, key=_created)]


_ANY_TITLE = 'title="mio-'


def _title(nonce: str) -> str:
    return marker(nonce).removeprefix("<abbr ").partition(">")[0]


def _content(message: Mapping[str, Any]) -> str:
    return (message.get("body") or {}).get("content") or ""


def _text(message: Mapping[str, Any]) -> str:
    return " ".join(plain(document_of(message)).split())


def _created(message: Mapping[str, Any]) -> str:
    return str(message["id"]).zfill(20)
