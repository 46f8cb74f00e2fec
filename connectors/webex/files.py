"""Reading and posting files (reference §3.1, §3.3)."""

import re

from connectors.calls import Call, Calls, Upload
from connectors.contract import Rendered
from connectors.errors import Refused
from connectors.messages import Attachment, MessageId
from connectors.webex.client import BASE, TOKEN, WRITING, message_exists, posted_id
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
