"""Reading and posting files (reference §3.1, §3.3)."""

import re
from datetime import datetime

from connectors.calls import Call, Calls, Upload
from connectors.contract import Rendered
from connectors.errors import Gone, Refused
from connectors.messages import AccountId, Attachment, MessageId
from connectors.webex import ids
from connectors.webex.client import BASE, TOKEN, WRITING, message_exists, posted_id, same_text
from connectors.webex.judge import judge, judge_file

CONTENT = re.compile(r"https://(?:webexapis\.com|api\.ciscospark\.com)/v1(/contents/[A-Za-z0-9_=-]+)")
"""The only addresses that our token is sent for. The old host still stands in answers; the new one serves its files."""


def open_file(attachment: Attachment) -> Calls[Call]:
    """``HEAD /contents/{id}`` tells how the scan for viruses stands; its answer's headers name the file, as those of GET."""
    found = CONTENT.fullmatch(attachment.handle)
    if found is None:
        raise Refused("the file is not where Webex keeps its files")
    yield _content("HEAD", found[1])
    return _content("GET", found[1])


def _content(method: str, path: str) -> Call:
    return Call(method, BASE + path, scopes=("spark:messages_read",), bucket="contents", token=TOKEN, judge=judge_file)


def upload(attachment: Attachment, rendered: Rendered) -> Calls[MessageId]:
    """``POST /messages`` as a form whose part ``files`` is the file. The root is looked for before: a file is sent once."""
    form = dict(rendered.payload)
    if "parentId" in form and not (yield from message_exists(form["parentId"])):
        del form["parentId"]
    form = {name: value for name, value in form.items() if value}
    size = attachment.size or 0
    response = yield Call(
        "POST",
        f"{BASE}/messages",
        scopes=WRITING,
        bucket="messages",
        token=TOKEN,
        repeatable=False,
        upload=Upload(attachment.name or "file", attachment.content_type, size, part="files", form=form),
        judge=judge,
    )
    return posted_id(response)


def find_file(attachment: Attachment, rendered: Rendered, since: datetime, own: AccountId) -> Calls[list[MessageId]]:
    """Messages of that text with one file, whose size only its own address tells."""
    found: list[MessageId] = []
    for item in (yield from same_text(rendered, since, own)):
        files, is_here = item.get("files"), item.get("parentId") in (None, rendered.payload.get("parentId"))
        only = files[0] if isinstance(files, list) and len(files) == 1 else None
        if is_here and (yield from _may_be(str(only), attachment)):
            found.append(ids.message(item["id"]))
    return found


def _may_be(url: str, attachment: Attachment) -> Calls[bool]:
    """Whether a file has the size of ``attachment``. One that Webex shows to nobody any more may be it."""
    address = CONTENT.fullmatch(url)
    if address is None:
        return False
    try:
        response = yield _content("HEAD", address[1])
    except (Refused, Gone):
        return True
    return response.headers.get("content-length") == str(attachment.size)
