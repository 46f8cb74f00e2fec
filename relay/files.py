"""One file from the platform where it was shared to the platform where it is to be seen, streamed.

``examine`` tells, before a text is written, whether a file can cross and as what; ``carry`` brings it over. Nothing of it is
kept: at any time two chunks and the buffers of two connections are in memory.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from email.message import Message as Headers
from functools import partial
from mimetypes import guess_extension

from connectors.contract import CarriesFiles, Connector
from connectors.downloads import Opener, download
from connectors.errors import ConnectorError, Gone, Reconnect, Refused, TryAgain
from connectors.http import SourceFailed, Transport, drive
from connectors.messages import Attachment, Draft, MessageId
from connectors.streaming import UNKNOWN_TYPE, Incoming

AT_ONCE = 8
"""Files open at a time: it bounds their memory, and leaves connections for the uploads that the open downloads feed."""

_MEGABYTE = 1024 * 1024
_BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_HIDDEN = re.compile(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
"""Marks that turn the order of characters: they make ``exe.txt`` of what is a ``txt.exe``."""
_WRITTEN_AS = str.maketrans({"/": "_", "\\": "_", '"': "'"})
"""No paths, and no quotation mark: forms carry it escaped, and not every platform takes the escape off again."""


class CannotCross(Exception):
    """One of the two platforms refused the file for good; ``str(error)`` is a reason that people may read."""


class OriginFails(TryAgain):
    """The platform that the file comes from is in trouble, or gives something else than it told."""

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.after = after


class OriginLost(TryAgain):
    """The platform that the file comes from no longer accepts our token: that one must be connected again."""


@dataclass(frozen=True, slots=True)
class Examined:
    """A file as it would cross: name, type and size are known, unless ``obstacle`` says why it cannot."""

    attachment: Attachment
    obstacle: str = ""


class Files:
    """Carries files for one worker."""

    def __init__(self, transport: Transport, opener: Opener, sandbox: str) -> None:
        self._transport = transport
        self._opener = opener
        self._sandbox = sandbox
        self._room = asyncio.Semaphore(AT_ONCE)

    async def examine(self, origin: Connector, attachment: Attachment, target: Connector) -> Examined:
        """What ``attachment`` is and whether it can cross. Its platform is asked only for what the message did not tell.

        Raises ``TryAgain`` while that platform is in trouble or scans the file, ``OriginLost`` where it wants a new token.
        """
        named = replace(
            attachment, name=_readable(attachment.name), content_type=attachment.content_type or UNKNOWN_TYPE
        )
        if not isinstance(target, CarriesFiles):
            return Examined(named, f"{target.platform.label} takes no files")
        most = target.platform.limits.file
        if not attachment.name or attachment.size is None:
            try:
                named = await self._looked_at(origin, attachment, most)
            except CannotCross as refusal:
                return Examined(named, str(refusal))
        if named.size is not None and named.size > most:
            return Examined(named, f"{target.platform.label} takes files up to {most // _MEGABYTE} MB")
        return Examined(named)

    async def carry(self, origin: Connector, attachment: Attachment, target: Connector, draft: Draft) -> MessageId:
        """Post an examined file as ``draft`` says.

        Raises ``CannotCross`` where either platform refuses it, ``TryAgain`` and ``OriginLost`` as ``examine`` does, and
        what the target raises for any post; after ``Unsure`` look with ``CarriesFiles.find_file``.
        """
        if not isinstance(target, CarriesFiles):
            raise CannotCross(f"{target.platform.label} takes no files")
        calls, source = target.upload(attachment, draft), partial(self._source, origin, attachment)
        try:
            return await drive(calls, self._transport, target.credentials, self._sandbox, source)
        except SourceFailed as failed:
            raise _of_origin(failed.error) from failed
        except Refused as refusal:
            raise CannotCross(str(refusal)) from refusal

    @asynccontextmanager
    async def _source(self, origin: Connector, attachment: Attachment) -> AsyncIterator[AsyncIterator[bytes]]:
        async with self._opened(origin, attachment) as incoming:
            if incoming.size not in (None, attachment.size):
                raise OriginFails("the file is not as long as its platform said")
            yield incoming.chunks

    @asynccontextmanager
    async def _opened(self, origin: Connector, attachment: Attachment) -> AsyncIterator[Incoming]:
        if not isinstance(origin, CarriesFiles):
            raise Refused(f"{origin.platform.label} gives no files")
        call = await drive(origin.open(attachment), self._transport, origin.credentials, self._sandbox)
        async with self._room, download(call, self._opener, origin.credentials, self._sandbox) as incoming:
            yield incoming

    async def _looked_at(self, origin: Connector, attachment: Attachment, most: int) -> Attachment:
        """The attachment with what only its download tells. A size that is not even told there is counted, up to ``most``."""
        try:
            async with self._opened(origin, attachment) as incoming:
                size = incoming.size if incoming.size is not None else await _counted(incoming, most)
                return replace(told(attachment, incoming.response.headers), size=size)
        except ConnectorError as error:
            raise _of_origin(error) from error


def _of_origin(error: ConnectorError) -> Exception:
    """What a failure at the file's own platform means for who wants to say it elsewhere."""
    match error:
        case Refused() | Gone():
            return CannotCross(str(error))
        case Reconnect():
            return OriginLost("the platform it comes from must be connected again")
    return OriginFails(str(error), getattr(error, "after", 0.0))


async def _counted(incoming: Incoming, most: int) -> int:
    size = 0
    async for chunk in incoming.chunks:
        size += len(chunk)
        if size > most:
            break
    return size


def told(attachment: Attachment, headers: Mapping[str, str]) -> Attachment:
    """Name and type as the message has them, else as the headers do."""
    described = Headers()
    described["content-type"] = headers.get("content-type") or UNKNOWN_TYPE
    described["content-disposition"] = headers.get("content-disposition") or "attachment"
    kind = described.get_content_type()
    kind = attachment.content_type or UNKNOWN_TYPE if kind == UNKNOWN_TYPE else kind
    name = attachment.name or described.get_filename() or f"file{guess_extension(kind) or ''}"
    return replace(attachment, name=_readable(name), content_type=kind)


def _readable(name: str) -> str:
    """A name that any platform takes: one line of characters, no path."""
    whole = name.encode("utf-8", "replace").decode()
    line = " ".join(_BREAKS.sub(" ", _HIDDEN.sub("", whole)).split()).translate(_WRITTEN_AS)
    return "file" if line in ("", ".", "..") else line
