"""The files of a Zoom message (§2.7, §3.1). Pure."""

from collections.abc import Iterator, Mapping
from mimetypes import MimeTypes
from typing import Any

from connectors.messages import Attachment, Reference
from connectors.zoom import ids

LARGEST_FILE = 20 * 1024**2
"""Bytes. What goes up with a message of its own (§3.3); what is stored first may be larger, by the same page 1 GB."""
LARGEST_IMAGE = 16 * 1024**2
"""Bytes of a png, jpg or gif, which Zoom shows in the message."""

UNKNOWN_TYPE = "application/octet-stream"

_PACKERS = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}
_IMAGES = (".png", ".jpg", ".jpeg", ".gif")
_TYPES = MimeTypes()
"""Python's own table, not the machine's: a file has the same type everywhere."""


def attachments(content: Mapping[str, Any], reference: Reference) -> tuple[Attachment, ...]:
    """The files of a message. Zoom tells no address that would last, so ``link`` is the message's own where it is told."""
    link = content.get("message_url")
    shown = link if isinstance(link, str) and link.startswith("https://") else ""
    return tuple(_attachment(entry, reference, shown) for entry in entries(content))


def entries(content: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The list of files, or the flat fields of the only one."""
    files = content.get("files")
    entries = [entry for entry in files if isinstance(entry, Mapping)] if isinstance(files, list) else []
    yield from (entry for entry in entries or (content,) if ids.opaque(entry.get("file_id")))


def _attachment(entry: Mapping[str, Any], reference: Reference, link: str) -> Attachment:
    name = ids.readable(entry.get("file_name")) or "unnamed"
    size = entry.get("file_size")
    return Attachment(
        name=name,
        content_type=content_type(name, ids.opaque(entry.get("OS_file_type"))),
        handle=ids.handle(reference.conversation, reference.message, ids.opaque(entry.get("file_id"))),
        size=int(size) if isinstance(size, int | float) and 0 <= size < 2**53 else None,
        link=link,
    )


def content_type(name: str, extension: str = "") -> str:
    """What kind of file it is, by its name or by the extension that Zoom told: its events tell no content type."""
    return _guessed(name) or _guessed(f"x.{extension.lower()}") or UNKNOWN_TYPE


def _guessed(name: str) -> str | None:
    """What is packed is of the packer's type, not of the type of what is in it."""
    inside, packer = _TYPES.guess_type(f"/{name}")
    return _PACKERS.get(packer, UNKNOWN_TYPE) if packer else inside


def largest(name: str) -> int:
    """Bytes a file of this name may have: Zoom goes by its extension."""
    return LARGEST_IMAGE if name.lower().endswith(_IMAGES) else LARGEST_FILE
