"""Files: read from SharePoint, OneDrive and Graph, put into a channel's folder (reference teams.md §3.9, §3.10).

In chats files are only read: what somebody shares there lies in their own OneDrive, and they are not asked for the permission
to write to it.
"""

import base64
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from connectors.calls import Call, Calls, Response, Upload
from connectors.contract import Rendered
from connectors.errors import Refused, Unavailable
from connectors.messages import AccountId, Attachment, ConversationId, MessageId
from connectors.teams.attachments import REFERENCE, placed
from connectors.teams.client import GRAPH, find, judge, post
from connectors.teams.ids import channel_path, hosted_path, is_channel, open_handle
from connectors.teams.needs import needs
from connectors.teams.scopes import APP, SERVICE
from connectors.teams.values import mapping

FILE_HOSTS = (".sharepoint.com", ".sharepoint.us", ".sharepoint-mil.us", ".sharepoint.cn")
"""Where Microsoft keeps files, in its public and its national clouds; nothing else is downloaded from."""
FOLDER_PAUSES = (0.0, 2.0, 5.0)
"""Seconds before each look for a new channel's folder; it takes minutes at times, and then the mailbox tries again."""
LONGEST_NAME = 200
"""Characters of a file's name: SharePoint takes 400 for the whole path, site and folders included."""

_FOLDER_SCOPES: Mapping[str, str] = {APP: "Files.Read.All", SERVICE: "Files.ReadWrite.All"}
_SITES = ("sites", "teams", "personal")
"""How the paths of sites begin, the last of them those of people's OneDrives."""
_FORBIDDEN = re.compile(r'["*:<>?/\\|\x00-\x1f\x7f]+')


def open_file(attachment: Attachment) -> Calls[Call]:
    """The GET of a picture that Graph keeps, or of a file in the site that belongs to where it was shared."""
    kind, told, *where = open_handle(attachment.handle)
    conversation = ConversationId(told)
    if kind == "hosted":
        message, content = where
        path = hosted_path(conversation, MessageId(message), content)
        return Call("GET", GRAPH + path, needs(conversation).read, "get hosted content", APP, judge=judge)
    url, author = where
    return (yield from _open_shared(conversation, url, author))


def shared_in(attachment: Attachment) -> ConversationId:
    """The conversation of an attachment."""
    return ConversationId(open_handle(attachment.handle)[1])


def _open_shared(conversation: ConversationId, url: str, author: str) -> Calls[Call]:
    """Anybody may write any address into a message, and our token could read the whole tenant for them.

    So only a file in the channel's own site is opened, which its members can read anyway, or in a chat one of the OneDrive of
    whoever shared it.
    """
    if is_channel(conversation):
        folder = yield from _folder(conversation, APP)
    else:
        drive = f"{GRAPH}/users/{quote(author, safe='')}/drive"
        folder = mapping((yield _read(drive, "Files.Read.All", "get drive")).json())
    site = _site(str(folder.get("webUrl")))
    if not site or _site(url) != site:
        raise Refused("the file does not lie in this channel's own site, or in the OneDrive of whoever shared it")
    encoded = base64.urlsafe_b64encode(url.encode("utf-8", "replace")).decode().rstrip("=")
    response = yield _read(f"{GRAPH}/shares/u!{encoded}/driveItem/content", "Files.Read.All", "get file")
    return Call("GET", _trusted(response), bucket="download", token="")


def _read(url: str, scope: str, bucket: str, token: str = APP, after: float = 0.0) -> Call:
    return Call("GET", url, scopes=(scope,), bucket=bucket, token=token, after=after, judge=judge)


def _trusted(response: Response) -> str:
    """Where the bytes are: the address holds its own proof, so no token goes there."""
    url = response.headers.get("location", "")
    if response.status != 302 or not _host(url).endswith(FILE_HOSTS):
        raise Refused("Teams keeps this file somewhere we do not know")
    return url


def _host(url: str) -> str:
    """The host of an https address at the usual port and without a user; empty for any other address."""
    try:
        parts = urlsplit(url)
        usual = parts.scheme == "https" and parts.netloc.lower() == parts.hostname
    except ValueError:
        return ""
    return parts.netloc.lower() if usual else ""


def _site(url: str) -> tuple[str, ...]:
    """Host and path of the SharePoint site in which an address lies; empty for one that has none."""
    host = _host(url)
    segments = [unquote(segment) for segment in urlsplit(url).path.split("/")[1:]] if host else []
    odd = any(segment in (".", "..") or "/" in segment or "\\" in segment for segment in segments)
    if odd or len(segments) < 3 or segments[0].lower() not in _SITES or not host.endswith(FILE_HOSTS):
        return ()
    return host, segments[0].lower(), segments[1].lower()


def _folder(conversation: ConversationId, token: str) -> Calls[Mapping[str, Any]]:
    """The channel's folder; that of a new channel is made when it is first asked for."""
    url = f"{GRAPH}{channel_path(conversation)}/filesFolder"
    *pauses, last = FOLDER_PAUSES
    for pause in pauses:
        with suppress(Unavailable):
            return mapping((yield _read(url, _FOLDER_SCOPES[token], "get folder", token, pause)).json())
    return mapping((yield _read(url, _FOLDER_SCOPES[token], "get folder", token, last)).json())


def upload(attachment: Attachment, rendered: Rendered) -> Calls[MessageId]:
    """Put a file into the channel's folder, then say it there.

    A file that goes up twice lies there twice, under another name: nobody sees it, since only one is said.
    """
    if not is_channel(rendered.conversation):
        raise Refused(
            "a file in a chat would have to lie in the OneDrive of whoever shares it, which we may not write to"
        )
    folder = yield from _folder(rendered.conversation, SERVICE)
    drive, name = quote(folder["parentReference"]["driveId"], safe=""), _name(attachment.name)
    place = f"/drives/{drive}/items/{quote(folder['id'], safe='')}:/{quote(name, safe='')}:/content"
    response = yield Call(
        "PUT",
        GRAPH + place,
        scopes=("Files.ReadWrite.All",),
        bucket="put file",
        token=SERVICE,
        query={"@microsoft.graph.conflictBehavior": "rename"},
        upload=Upload(name, attachment.content_type, attachment.size or 0),
        judge=judge,
    )
    return (yield from post(_said(rendered, response.json())))


def find_file(attachment: Attachment, rendered: Rendered, author: AccountId, since: datetime) -> Calls[list[MessageId]]:
    """The message by its marker or its text, among those with a file of that name, which may have become a numbered one."""
    stem, dot, suffix = _name(attachment.name).rpartition(".")
    name = re.compile(
        rf"{re.escape(stem)}(?: \d+)?{re.escape(dot + suffix)}" if dot else rf"{re.escape(suffix)}(?: \d+)?"
    )

    def fits(message: Mapping[str, Any]) -> bool:
        files = [file for file in message.get("attachments") or () if file.get("contentType") == REFERENCE]
        return any(name.fullmatch(str(file.get("name"))) for file in files)

    return find(rendered, author, since, fits)


def _said(rendered: Rendered, item: Mapping[str, Any]) -> Rendered:
    """The message with the file: its id is the one in the file's tag, its place at the end of the text (§3.1)."""
    attachment = {"id": guid_of(item), "contentType": REFERENCE, "contentUrl": content_url(item), "name": item["name"]}
    body = rendered.payload["body"]
    body = body | {"content": body["content"] + placed(attachment)}
    payload = rendered.payload | {"body": body, "attachments": [attachment]}
    return Rendered(rendered.conversation, payload, rendered.size, rendered.nonce)


def guid_of(item: Mapping[str, Any]) -> str:
    """The part of a driveItem's etag in braces, which names the file wherever it moves (§3.1)."""
    guid: str = item["eTag"].partition("{")[2].partition("}")[0]
    return guid


def content_url(item: Mapping[str, Any]) -> str:
    """An address that ends as the name does, or Teams refuses it: a document's has its name among other parameters."""
    address, _, query = item["webUrl"].partition("?")
    pairs = query.split("&") if query else []
    named = [pair for pair in pairs if pair.startswith("file=")]
    ordered = "&".join([pair for pair in pairs if pair not in named] + named)
    return f"{address}?{ordered}" if ordered else address


def _name(name: str) -> str:
    """A name that SharePoint takes: no characters of paths, no blanks or dots at its ends; the suffix is kept."""
    whole = name.encode("utf-8", "replace").decode()
    safe = _FORBIDDEN.sub("_", whole).strip(" .").removeprefix("~$")
    stem, dot, suffix = safe.rpartition(".")
    if len(safe) > LONGEST_NAME and dot:
        safe = f"{stem[: LONGEST_NAME - len(suffix) - 1]}.{suffix}"
    return safe[:LONGEST_NAME] or "file"
