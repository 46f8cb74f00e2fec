"""Carrying files from and to Slack (reference §3.6). Generators of ``Call``s, no I/O."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial

from connectors.calls import Call, Calls, Response, Upload, judge_status
from connectors.contract import Rendered
from connectors.errors import Refused, Unavailable, Unsure
from connectors.messages import Attachment, ConversationId, MessageId
from connectors.slack.client import search
from connectors.slack.files import address, content_type, is_trusted
from connectors.slack.ids import is_id, is_ts
from connectors.slack.rich_text import Object, objects, text_of
from connectors.slack.web import asking, inner, telling

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds before each look whether a file has been shared: usually a moment, now and then half a minute."""

_PAGE = "text/html"


def open_file(attachment: Attachment) -> Calls[Call]:
    """The download; where the message did not tell the address, Slack is asked for it first."""
    url, kind = attachment.handle, attachment.content_type
    if not is_trusted(url):
        if not is_id(url):
            raise Refused("the file is not one of Slack's")
        response = yield asking("files.info", "files:read", file=url)
        file = inner(response.json(), "file")
        url, kind = address(file), content_type(file)
    if not url:
        raise Refused("Slack does not keep this file itself")
    judged = partial(judge_download, page=kind.startswith(_PAGE), size=attachment.size)
    return Call("GET", url, scopes=("files:read",), bucket="files", judge=judged)


def judge_download(call: Call, response: Response, *, page: bool, size: int | None) -> None:
    """Slack answers who may not read a file with a login page, and with status 200 (§3.6).

    ``page`` says that the file itself is a page; ``size`` is what the message promised.
    """
    judge_status(call, response)
    headers = response.headers
    if response.status != 200 or "acl_fail" in headers.get("x-slack-meta", ""):
        raise Refused("Slack does not show this file to the app")
    if headers.get("content-type", "").startswith(_PAGE) and not page:
        raise Unavailable("Slack answered with a page instead of the file")
    length = headers.get("content-length", "")
    if size is not None and length.isdecimal() and "content-encoding" not in headers and int(length) != size:
        raise Unavailable("Slack is still processing the file")


def upload(attachment: Attachment, rendered: Rendered) -> Calls[MessageId]:
    """Ask for a place, put the bytes there, share them, and wait until Slack has made the message."""
    if not attachment.size:
        raise Refused("Slack takes no empty files")
    place = {"filename": attachment.name, "length": str(attachment.size)}
    answer = (yield asking("files.getUploadURLExternal", "files:write", **place)).json()
    url, file = text_of(answer, "upload_url"), text_of(answer, "file_id")
    if not is_trusted(url) or not is_id(file):
        raise Refused("Slack named no place for the file that we trust")
    bytes_to = Upload(attachment.name, attachment.content_type, attachment.size)
    yield Call("POST", url, scopes=("files:write",), bucket="files", token="", upload=bytes_to)
    with suppress(Unsure):  # Slack is asked about the file itself: a lost answer does no harm
        yield _share(file, attachment.name, rendered)
    for pause in PAUSES:
        response = yield _look(file, pause)
        if ts := next(_shared(inner(response.json(), "file"), rendered.conversation), None):
            return MessageId(ts)
    raise Unsure("Slack took the file and has not shown it yet")


def find_file(
    attachment: Attachment, rendered: Rendered, since: datetime, is_ours: Callable[[Object], bool]
) -> Calls[list[MessageId]]:
    """Our messages with a file of that name and size: one with a file bears no nonce."""

    def fits(message: Object) -> bool:
        return is_ours(message) and any(_is(file, attachment) for file in objects(message.get("files")))

    return search(rendered, since, fits)


def _is(file: Object, attachment: Attachment) -> bool:
    return attachment.name in (file.get("name"), file.get("title")) and file.get("size") == attachment.size


def _share(file: str, name: str, rendered: Rendered) -> Call:
    payload = {"files": [{"id": file, "title": name}], "channel_id": rendered.conversation}
    payload |= {key: rendered.payload[key] for key in ("thread_ts", "username", "icon_url") if key in rendered.payload}
    if rendered.payload["text"]:
        payload["blocks"] = rendered.payload["blocks"]
    return replace(telling("files.completeUploadExternal", payload, "files:write"), repeatable=False)


def _look(file: str, pause: float) -> Call:
    return replace(asking("files.info", "files:read", file=file), after=pause)


def _shared(file: Object, conversation: ConversationId) -> Iterator[str]:
    """The messages with which a file was shared in a conversation, public or private."""
    shares = inner(file, "shares")
    for audience in ("public", "private"):
        for share in objects(inner(shares, audience).get(conversation)):
            if is_ts(ts := text_of(share, "ts")):
                yield ts
