"""The rules by which the fake Graph lets a caller in and takes a message (reference teams.md §3, §9)."""

import base64
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import unquote, urlencode

from lxml import etree, html

from connectors.sandbox import digest
from connectors.splitting import clusters
from connectors.teams.sandbox_entra import Grant
from connectors.teams.sandbox_permissions import CHAT_MESSAGES, MESSAGE, MESSAGES, PERMISSIONS

T = TypeVar("T")

LARGEST_MESSAGE = 28 * 1024
"""Bytes of the stored message, mentions included; Microsoft says about 28 KB (§4.3)."""
PAGE, LARGEST_PAGE = 20, 50
"""Messages per page when nothing is asked, and at most (§3.5)."""
IMPORT_ONLY = "Message POST is allowed in application-only context only for import purposes."

USER_IDENTITY = "#microsoft.graph.teamworkUserIdentity"


class Denied(Exception):
    """An answer of Graph that is an error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def matching(method: str, segments: list[str]) -> tuple[str, list[str]]:
    """The served endpoint of a path and the ids in it. Raises ``Denied``."""
    known_path = False
    for served, path in PERMISSIONS:
        pattern = path.strip("/").split("/")
        if len(pattern) != len(segments) or not all(_fits(*pair) for pair in zip(pattern, segments, strict=True)):
            continue
        if served == method:
            return path, [segment for name, segment in zip(pattern, segments, strict=True) if name.startswith("{")]
        known_path = True
    if known_path:
        raise Denied(405, "UnknownError", "The method is not allowed on this resource.")
    raise Denied(400, "BadRequest", f"Resource not found for the segment '{(segments or [''])[-1]}'.")


def _fits(name: str, segment: str) -> bool:
    if name.endswith("}:"):
        return segment.endswith(":")
    return name.startswith("{") or segment in (name, name.removesuffix("()"))


def check_permission(method: str, path: str, grant: Grant) -> None:
    """Raise ``Denied`` with the sentence that Graph says to people and to applications."""
    delegated, application = PERMISSIONS[method, path]
    if not grant.user and method == "POST" and path in (MESSAGES, MESSAGE + "/replies", CHAT_MESSAGES):
        raise Denied(401, "Unauthorized", IMPORT_ONLY)
    wanted = delegated if grant.user else application
    require(grant, wanted)


def require(grant: Grant, wanted: Collection[str]) -> None:
    """Raise ``Denied`` where a caller has none of the permissions that suffice."""
    if not grant.permissions.isdisjoint(wanted):
        return
    kind, where = ("scope", "Scopes") if grant.user else ("role", "Roles")
    held = ", ".join(sorted(grant.permissions))
    text = f"Missing {kind} permissions on the request. API requires one of '{', '.join(wanted)}'. "
    raise Denied(403, "Forbidden", f"{text}{where} on the request '{held}'")


def check_roster(user: str, members: Collection[str]) -> None:
    """Raise ``Denied`` for a person who is not in the channel; the message holds JSON again, as the real one does."""
    if user in members:
        return
    inner = {
        "errorCode": 209,
        "message": json.dumps({"subCode": "AclCheckFailed", "details": "Initiator not in roster"}),
    }
    raise Denied(403, "Forbidden", json.dumps(inner))


def accepted(sent: object, members: Collection[str], callable_: Collection[str]) -> dict[str, Any]:
    """A message as it will be stored, with its pictures as ``hostedContents``. Raises ``Denied``.

    ``callable_`` are the ids of the conversations that may be mentioned: the channel itself and its team.
    """
    body = sent.get("body") if isinstance(sent, dict) else None
    if not isinstance(sent, dict) or not isinstance(body, dict) or not isinstance(body.get("content"), str):
        raise Denied(400, "BadRequest", "Bad Request: a message needs a body with content.")
    kind, content = body.get("contentType", "text"), body["content"]
    if kind not in ("text", "html"):
        raise Denied(400, "BadRequest", f"Invalid contentType '{kind}'.")
    mentions, attachments = sent.get("mentions") or [], sent.get("attachments") or []
    if not content.strip() and not attachments:
        raise Denied(400, "BadRequest", "Missing body content")
    _check_mentions(content if kind == "html" else "", mentions, {*members, *callable_})
    _check_attachments(content if kind == "html" else "", attachments)
    stored = normalised(content) if kind == "html" else content
    costs = len(json.dumps(mentions)) + len(json.dumps(attachments))
    if len(stored.encode("utf-8", "replace")) + costs > LARGEST_MESSAGE:
        raise Denied(413, "RequestEntityTooLarge", "Request Entity too large")
    return {
        "body": {"contentType": kind, "content": stored},
        "mentions": [_stored_mention(mention) for mention in mentions],
        "attachments": [dict.fromkeys(_ATTACHED) | attachment for attachment in attachments],
        "subject": sent.get("subject"),
        "importance": sent.get("importance") or "normal",
        "hostedContents": _pictures(sent.get("hostedContents") or []),
    }


_ATTACHED = ("content", "contentType", "contentUrl", "id", "name", "teamsAppId", "thumbnailUrl")
_PLACED = re.compile(r"<attachment\b[^>]*\bid=[\"']?([^\"'\s>]+)")


def _check_attachments(content: str, attachments: object) -> None:
    """Each attachment has its tag, and a file's name ends as its address does (§3.1)."""
    if not isinstance(attachments, list) or not all(isinstance(attachment, dict) for attachment in attachments):
        raise Denied(400, "BadRequest", "Invalid attachments.")
    if sorted(str(attachment.get("id")) for attachment in attachments) != sorted(_PLACED.findall(content)):
        raise Denied(400, "BadRequest", "The attachments and the attachment elements of the body do not correspond.")
    for attachment in attachments:
        ends = {_extension(str(attachment.get(part))) for part in ("name", "contentUrl")}
        if attachment.get("contentType") == "reference" and len(ends) > 1:
            raise Denied(400, "BadRequest", "contentUrl extension and name extension do not match")
        if attachment.get("contentType") == "application/vnd.microsoft.card.adaptive":
            _check_card(attachment.get("content"))


def _check_card(content: object) -> None:
    """JSON within JSON, with actions that open a page: others do nothing in what a person says (§3.1)."""
    try:
        card = json.loads(content) if isinstance(content, str) else None
    except (ValueError, RecursionError):
        card = None
    actions = card.get("actions", []) if isinstance(card, dict) and card.get("type") == "AdaptiveCard" else None
    if not isinstance(actions, list) or not all(isinstance(action, dict) for action in actions):
        raise Denied(400, "BadRequest", "The card cannot be read.")
    for action in actions:
        is_page = action.get("type") == "Action.OpenUrl" and str(action.get("url")).startswith(("https://", "http://"))
        if not is_page or not isinstance(action.get("title"), str):
            raise Denied(400, "BadRequest", "The card has an action that opens no page.")


def _extension(address: str) -> str:
    """What follows the last dot of a name, or of the last part of an address."""
    return re.split("[/=]", unquote(address))[-1].partition(".")[2].rpartition(".")[2].lower()


def _pictures(sent: object) -> list[tuple[str, str, bytes]]:
    """Temporary id, type and bytes of each picture that comes with a message (§3.1)."""
    pictures: Any = sent
    try:
        return [
            (picture["@microsoft.graph.temporaryId"], picture["contentType"], base64.b64decode(picture["contentBytes"]))
            for picture in pictures
        ]
    except (KeyError, TypeError, ValueError):
        raise Denied(400, "BadRequest", "Invalid hostedContents.") from None


def reaction(sent: object) -> str:
    """The emoji of a reaction. Raises ``Denied`` for what is not one Unicode emoji (§3.3)."""
    emoji = sent.get("reactionType") if isinstance(sent, dict) else None
    if not isinstance(emoji, str) or emoji.isascii() or len(clusters(emoji)) != 1:
        raise Denied(400, "BadRequest", "Invalid reactionType.")
    return emoji


_AT = re.compile(r"<at\b[^>]*\bid=[\"']?(\d+)")


def _check_mentions(content: str, mentions: object, members: Collection[str]) -> None:
    if not isinstance(mentions, list) or not all(isinstance(mention, dict) for mention in mentions):
        raise Denied(400, "BadRequest", "Invalid mentions.")
    entries = [str(mention.get("id")) for mention in mentions]
    if sorted(entries) != sorted(_AT.findall(content)) or len(set(entries)) != len(entries):
        raise Denied(400, "BadRequest", "The mentions and the at elements of the body do not correspond.")
    for mention in mentions:
        _check_mentioned(mention.get("mentioned"), members)


def _check_mentioned(mentioned: object, members: Collection[str]) -> None:
    known = ("user", "conversation", "tag", "application")
    if not isinstance(mentioned, dict) or not any(mentioned.get(kind) for kind in known):
        raise Denied(400, "BadRequest", "A mention names nobody.")
    for kind in ("user", "conversation"):
        named = mentioned.get(kind)
        if named and (not isinstance(named, dict) or named.get("id") not in members):
            raise Denied(400, "BadRequest", f"A mentioned {kind} is not in the roster.")


def _stored_mention(mention: Mapping[str, Any]) -> dict[str, Any]:
    """As Graph hands it out: every kind of identity named, the absent ones null."""
    mentioned = dict.fromkeys(("application", "device", "conversation", "tag")) | mention["mentioned"]
    if user := mentioned.get("user"):
        mentioned["user"] = {"@odata.type": USER_IDENTITY} | user
    return {**mention, "mentioned": mentioned}


_DROPPED = ("script", "style", "iframe", "object", "embed", "form", "input")
_KEPT_ATTRIBUTES = frozenset(
    {"alt", "class", "height", "href", "id", "itemid", "itemprop", "itemtype", "rel"}
) | frozenset({"source", "src", "start", "target", "title", "width"})
_PARSER = html.HTMLParser(encoding="utf-8", huge_tree=True)


def normalised(content: str) -> str:
    """What Teams makes of HTML: a wrapping ``div``, sorted attributes, no scripts and handlers (§4.2)."""
    root = html.document_fromstring(b"<body>" + content.encode("utf-8", "replace"), parser=_PARSER).find("body")
    if root is None:
        raise Denied(400, "BadRequest", "The body cannot be read.")
    root.tag = "div"
    etree.strip_elements(root, etree.Comment, *_DROPPED, with_tail=False)
    for element in root.iter(etree.Element):
        attributes = sorted(element.attrib.items())
        element.attrib.clear()
        for name, value in attributes:
            if name in _KEPT_ATTRIBUTES and not value.strip().lower().startswith("javascript:"):
                element.set(name, value)
    return html.tostring(root, encoding="unicode")


def collection(values: list[dict[str, Any]]) -> dict[str, Any]:
    """A whole list as Graph wraps it."""
    return {"@odata.count": len(values), "value": values}


def page(
    values: Sequence[T],
    query: Mapping[str, str],
    url: str,
    most: int = LARGEST_PAGE,
    usual: int = PAGE,
    shown: Callable[[T], Any] = lambda value: value,
) -> dict[str, Any]:
    """The part of a list that is asked for; ``url`` is the list's own address. Raises ``Denied``.

    A token is good for the list that it came from and for no other.
    """
    top, skip = _number(query.get("$top", str(usual)), "$top"), _skipped(query.get("$skiptoken", ""), url)
    if not 1 <= top <= most:
        raise Denied(400, "BadRequest", f"Invalid $top, the limit is {most}.")
    listed = collection([shown(value) for value in values[skip : skip + top]])
    if skip + top < len(values):
        kept = {name: value for name, value in query.items() if name in ("$select", "$filter", "$expand", "$orderby")}
        following = {**kept, "$top": str(top), "$skiptoken": f"{_mark(url)}{skip + top}"}
        listed["@odata.nextLink"] = f"{url}?{urlencode(following, safe='$,')}"
    return listed


def _skipped(token: str, url: str) -> int:
    if not token:
        return 0
    if not token.startswith(_mark(url)):
        raise Denied(400, "BadRequest", "The skip token is not valid.")
    return _number(token.removeprefix(_mark(url)), "$skiptoken")


def _mark(url: str) -> str:
    return f"{digest('page', url)[:8]}-"


def _number(value: str, name: str) -> int:
    if not value.isdecimal():
        raise Denied(400, "BadRequest", f"Invalid {name}.")
    return int(value)
