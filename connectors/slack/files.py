"""Reading the files of a message (reference §3.6). Pure."""

import mimetypes
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from connectors.messages import Attachment
from connectors.richtext import Block, Paragraph, Style, Text
from connectors.slack.inlines import link
from connectors.slack.rich_text import Object, text_of

FILES_HOST = "files.slack.com"
"""The only host that is given our token for a download, or a file for an upload."""

_UNKNOWN_TYPE = "application/octet-stream"
_DELETED = "tombstone"
_WITHOUT_BYTES = ("canvas", "list", "hidden_by_limit")
_OUT_OF_REACH = ("file_not_found", "access_denied")


def is_trusted(url: str) -> bool:
    """Whether an address from the wire is Slack's own file server, over https."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and parts.netloc == FILES_HOST
    except ValueError:
        return False


def attached(files: Iterable[Object]) -> tuple[Attachment, ...]:
    """The files whose bytes Slack has. A handle is the file's address, or its id where the message does not tell it."""
    return tuple(_attachment(file) for file in files if _has_bytes(file))


def without_bytes(files: Iterable[Object]) -> Iterator[Object]:
    """What stands among the files and is not deleted, but cannot be downloaded: canvases, files of other services."""
    return (file for file in files if not _has_bytes(file) and file.get("mode") != _DELETED)


def lines_for(files: Iterable[Object], degraded: list[str]) -> Iterator[Block]:
    """One line per file, linked to where a person may look at it."""
    for file in files:
        degraded.append("file")
        label = f"[file: {text_of(file, 'name', 'title') or 'without a name'}]"
        url = text_of(file, "permalink", "url_private")
        yield Paragraph((link(url, label, Style.PLAIN, degraded) if url else Text(label),))


def _has_bytes(file: Object) -> bool:
    mode = file.get("mode")
    gone = mode == _DELETED or mode in _WITHOUT_BYTES or file.get("file_access") in _OUT_OF_REACH
    return not gone and not file.get("is_external") and bool(address(file) or text_of(file, "id"))


def address(file: Object) -> str:
    """Where the bytes are; empty where the file object does not tell it or names another host."""
    url = text_of(file, "url_private_download", "url_private")
    return url if is_trusted(url) else ""


def content_type(file: Object) -> str:
    """Slack tells it late: until then the name decides."""
    return text_of(file, "mimetype") or mimetypes.guess_type(text_of(file, "name"))[0] or _UNKNOWN_TYPE


def _attachment(file: Object) -> Attachment:
    size = file.get("size")
    known = size if isinstance(size, int) and size > 0 else None
    name = text_of(file, "name", "title") or "file"
    handle = address(file) or text_of(file, "id")
    return Attachment(name, content_type(file), handle, known, text_of(file, "permalink"))
