"""Zoom's files (§3.3): where their bytes are, and how to put some there. No I/O."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urljoin, urlsplit

from connectors.calls import Call, Calls, Response, Upload
from connectors.contract import Credentials, Rendered
from connectors.errors import Gone, Refused, Unavailable, Unsure
from connectors.messages import Attachment, MessageId
from connectors.zoom import ids
from connectors.zoom.client import READ, account_path, find, post, voice, whole
from connectors.zoom.files import entries, largest
from connectors.zoom.judging import judge, told

UPLOADS = "https://file.zoom.us/v2"
"""Where files are put; older pages name another host of Zoom's, to which this one would send us on."""

TRUSTED = "zoom.us"
"""The domain whose hosts may be given our token: addresses of files are on several of them, per region."""

STORE = ("chat_message:write:admin", "chat_message:write", "team_chat:write:files:admin", "team_chat:write:files")
SHARE = (
    "chat_message:write:admin",
    "chat_message:write",
    "team_chat:write:message_files:admin",
    "team_chat:write:message_files",
)

MOST_HOPS = 3
"""Times we follow Zoom to another of its hosts; more would be a circle."""

_FORM: tuple[str, ...] = ("to_channel", "to_contact", "reply_main_message_id")
_BUCKET = "file"
"""Files have a limit of their own: 20 requests a second."""

Judge = Callable[[Call, Response], None]

_MOVED = (301, 302, 303, 307, 308)


def open_file(credentials: Credentials, attachment: Attachment) -> Calls[Call]:
    """The GET of a file. Its address is asked for anew, and followed by hand to the host that has the bytes.

    The first byte is asked for to see whether Zoom sends us on: the caller's stream cannot take our token along.
    """
    conversation, message, file_id = ids.opened(attachment.handle)
    url = _address(file_id, (yield from whole(credentials, conversation, message)))
    for _ in range(MOST_HOPS):
        try:
            response = yield _download(credentials, url, _judge_file, {"Range": "bytes=0-0"})
        except Refused:
            break  # a host that sends all of it instead of one byte; other refusals meet the caller's GET again
        moved = _moved(url, response)
        if not moved:
            break
        url = moved
    return _download(credentials, url, partial(_judge_bytes, attachment.content_type), {})


def _address(file_id: str, message: Mapping[str, object]) -> str:
    for entry in entries(message):
        if ids.opaque(entry.get("file_id")) == file_id and isinstance(url := entry.get("download_url"), str) and url:
            return url
    raise Gone("the file is no longer in its message")


def _download(credentials: Credentials, url: str, judged: Judge, headers: Mapping[str, str]) -> Call:
    return Call("GET", trusted(url), READ, bucket=_BUCKET, token=voice(credentials), headers=headers, judge=judged)


def _judge_file(call: Call, response: Response) -> None:
    """Where bytes are, 403 is about the address and not about the service user."""
    if response.status == 403:
        raise Refused("Zoom does not give the file, or its address has expired")
    judge(call, response)


def _judge_bytes(content_type: str, call: Call, response: Response) -> None:
    """A page or another redirect in place of the file must not be taken for it."""
    _judge_file(call, response)
    if response.status in _MOVED:
        raise Unavailable("Zoom has moved the file meanwhile")
    if response.headers.get("content-type", "").startswith("text/html") and content_type != "text/html":
        raise Refused("Zoom answered with a page instead of the file")


def upload(credentials: Credentials, attachment: Attachment, rendered: Rendered) -> Calls[MessageId]:
    """Post a file, in one message with its byline and text.

    The call that posts a file at once (§3.3) takes no text: it serves a draft that says nothing. All else is stored first
    and sent with the text, so that one message id stands for both.
    """
    size = _checked(attachment)
    user = f"{UPLOADS}/{account_path(credentials)}"
    payload = rendered.payload
    if payload["message"]:
        stored = Upload(attachment.name, attachment.content_type, size, part="file")
        call = Call("POST", f"{user}/files", STORE, query={"postToPersonalChat": "false"}, upload=stored)
        file_id = yield from _put(credentials, call)
        return (yield from post(credentials, replace(rendered, payload=payload | {"file_ids": [file_id]})))
    form = {name: str(payload[name]) for name in _FORM if name in payload}
    shared = Upload(attachment.name, attachment.content_type, size, part="files", form=form)
    call = Call("POST", f"{user}/messages/files", SHARE, repeatable=False, upload=shared)
    return ids.message((yield from _put(credentials, call)))


def find_file(
    credentials: Credentials, attachment: Attachment, rendered: Rendered, since: datetime
) -> Calls[list[MessageId]]:
    """Our messages of that text and thread with a file of that name and size."""
    root = rendered.payload.get("reply_main_message_id", "")
    wanted = attachment.name, attachment.size

    def fits(message: Mapping[str, Any]) -> bool:
        here = ids.message(message.get("reply_main_message_id")) == ids.message(root)
        return here and any((file.get("file_name"), file.get("file_size")) == wanted for file in entries(message))

    return find(credentials, rendered, since, fits)


def _checked(attachment: Attachment) -> int:
    if attachment.size is None:
        raise Refused("the size of the file is not known")
    if attachment.size > (most := largest(attachment.name)):
        raise Refused(f"Zoom takes no {'image' if most < largest('') else 'file'} above {most // 1024**2} MB")
    return attachment.size


def _put(credentials: Credentials, call: Call) -> Calls[str]:
    """Send a file where Zoom wants it, and on from there; the id of what came of it."""
    call = replace(call, bucket=_BUCKET, token=voice(credentials), judge=_judge_upload)
    for _ in range(MOST_HOPS):
        response = yield call
        moved = _moved(call.url, response)
        if not moved:
            made = ids.opaque(told(response).get("id"))
            if made:
                return made
            raise (Unavailable if call.repeatable else Unsure)("Zoom took the file without naming its id")
        call = replace(call, url=trusted(moved), query=None)
    raise Refused("Zoom sends the file from host to host")


def _judge_upload(call: Call, response: Response) -> None:
    if response.status == 400 and told(response).get("code") == 300:
        raise Refused("Zoom found the file too large (Zoom code 300)")
    judge(call, response)


def _moved(url: str, response: Response) -> str:
    """Where an answer sends us on to; empty if it does not."""
    location = response.headers.get("location", "")
    return urljoin(url, location) if response.status in _MOVED and location else ""


def trusted(url: str) -> str:
    """``url`` if our token may go there: https, a host of Zoom's, nothing hidden in front of it or behind."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        bare = parts.scheme == "https" and parts.port in (None, 443) and "@" not in parts.netloc
    except ValueError:
        host, bare = "", False
    ours = host == TRUSTED or host.endswith(f".{TRUSTED}")
    if not (bare and ours and url.isascii() and url.isprintable() and "\\" not in url):
        raise Refused("Zoom names an address for the file that is not one of its own")
    return url
