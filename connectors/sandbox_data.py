"""Files as the fakes keep and serve them: small ones whole, of large ones the beginning."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from connectors.calls import Response

LARGEST_KEPT = 32 * 1024 * 1024
"""Bytes of a file that a fake keeps whole; several of those fit into its memory."""
KEPT_OF_LARGER = 1024 * 1024
"""Bytes that it keeps of a larger one."""


@dataclass(frozen=True, slots=True)
class Brief:
    """What is kept of a large file: how it begins, how long it is, its SHA-256. It is served as its beginning repeated."""

    begin: bytes = field(repr=False)
    size: int
    sha256: str

    def __len__(self) -> int:
        return self.size

    def chunks(self) -> Iterator[bytes]:
        """The bytes that are served."""
        for start in range(0, self.size, len(self.begin)):
            yield self.begin[: self.size - start]


Data = bytes | Brief


def kept(data: Data) -> Data:
    """A file as a fake keeps it."""
    if isinstance(data, Brief) or len(data) <= LARGEST_KEPT:
        return data
    return Brief(data[:KEPT_OF_LARGER], len(data), hashlib.sha256(data).hexdigest())


@dataclass(frozen=True, slots=True, kw_only=True)
class Served(Response):
    """An answer whose body comes in pieces."""

    chunks: Iterator[bytes]


def served_file(data: Data, headers: Mapping[str, str]) -> Response:
    """The answer that brings a file."""
    headers = {**headers, "content-length": str(len(data))}
    return (
        Response(200, data, headers)
        if isinstance(data, bytes)
        else Served(status=200, headers=headers, chunks=data.chunks())
    )
