"""Files on their way from one platform to another: a few chunks at a time, never whole, never on disk. No I/O here."""

import re
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from connectors.calls import Response, Upload
from connectors.errors import Unavailable

CHUNK = 64 * 1024
"""Bytes read at once: large enough that Python's work per chunk does not show, small enough to hold many files' chunks."""

UNKNOWN_TYPE = "application/octet-stream"

Source = Callable[[], AbstractAsyncContextManager[AsyncIterator[bytes]]]
"""Opens a file from its beginning, anew each time: an upload that is sent on to another host begins again.

Raises the error family of ``errors.py``, when it is opened and while it is read.
"""

_TYPE = re.compile(r"[\w!#$&^.+-]{1,127}/[\w!#$&^.+-]{1,127}(?:; ?charset=[\w-]{1,40})?", re.ASCII)
_ESCAPES = {'"': "%22", "\r": "%0D", "\n": "%0A"}
"""How a browser writes these in a form (HTML standard, "multipart/form-data encoding algorithm")."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """An answer whose body is a file: ``response`` has status and headers, its body only where that is an error's."""

    response: Response
    chunks: AsyncIterator[bytes]

    @property
    def size(self) -> int | None:
        """Bytes of the file; None where the answer does not tell, or tells how long it is when compressed."""
        headers = self.response.headers
        length = headers.get("content-length", "")
        return int(length) if length.isdecimal() and "content-encoding" not in headers else None


class FileBody:
    """The body of a call that uploads: ``length`` bytes of type ``content_type``.

    The last chunk is held back until the source has ended with exactly the bytes promised, so a source that breaks, or
    is shorter or longer, never makes a complete request. ``fault`` is then what went wrong. As long as ``is_sent`` is
    False the platform cannot have the file.
    """

    def __init__(self, upload: Upload, source: AsyncIterator[bytes]) -> None:
        self._size = upload.size
        self._source = source
        self.content_type = _type(upload)
        self._head = self._tail = b""
        if upload.part:
            boundary = secrets.token_hex(16)  # not to be guessed by who made the file
            self._head, self._tail = _form(upload, boundary)
            self.content_type = f"multipart/form-data; boundary={boundary}"
        self.length = len(self._head) + upload.size + len(self._tail)
        self.fault: Exception | None = None
        self.is_sent = False

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes; to be read once. Raises what the source raises, ``Unavailable`` for a wrong number of bytes."""
        held, left = self._head, self._size
        try:
            async for chunk in self._source:
                left -= len(chunk)
                if left < 0:
                    raise Unavailable("the file is longer than its platform said")
                if held:
                    yield held
                held = chunk
            if left:
                raise Unavailable("the file ended before all of it was read")
        except Exception as fault:
            self.fault = fault
            raise
        self.is_sent = True
        yield held + self._tail


def _type(upload: Upload) -> str:
    return upload.content_type if _TYPE.fullmatch(upload.content_type) else UNKNOWN_TYPE


def _form(upload: Upload, boundary: str) -> tuple[bytes, bytes]:
    """What of a form stands before and after the bytes of its file."""
    name = "".join(_ESCAPES.get(character, character) for character in upload.name)
    fields = [f"--{boundary}\r\n{_field(key)}\r\n\r\n{value}\r\n" for key, value in upload.form.items()]
    told = f'{_field(upload.part)}; filename="{name}"\r\nContent-Type: {_type(upload)}'
    head = f"{''.join(fields)}--{boundary}\r\n{told}\r\n\r\n"
    return head.encode("utf-8", "replace"), f"\r\n--{boundary}--\r\n".encode()


def _field(name: str) -> str:
    return f'Content-Disposition: form-data; name="{name}"'
