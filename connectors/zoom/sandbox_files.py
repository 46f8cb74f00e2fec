"""The fake Zoom's files: their bytes, their short-lived addresses, and forms that bring them (§3.3)."""

import hashlib
import re
from collections.abc import Callable, Mapping

from connectors.contract import Request
from connectors.sandbox import digest
from connectors.zoom.sandbox_company import Stored
from connectors.zoom.sandbox_rules import Refusal

HOST = "file.zoom.us"
ELSEWHERE = "us02file.zoom.us"
"""The host to which the first one sends on when ``redirects`` is set."""

KEPT_BYTES = 64 * 1024**2
"""Bytes remembered of all files together; older ones are forgotten. Three of the largest that Zoom takes."""

ADDRESS_SECONDS = 600
"""How long an address holds. Zoom publishes only that it is short."""

LARGEST_IMAGE = 16 * 1024**2
LARGEST_OTHER = 20 * 1024**2
LARGEST_STORED = 1024**3

_BOUNDARY = re.compile(r'multipart/form-data;.*boundary="?([^";]+)"?', re.IGNORECASE)
_NAME = re.compile(rb'[; ]name="([^"]*)"')
_FILE_NAME = re.compile(rb'filename="([^"]*)"')


class Files:
    """All files ever put here, the bytes of the latest ones. ``notes`` are those that went to somebody's own chat."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.stored: dict[str, Stored] = {}
        self.notes: list[Stored] = []
        self._bytes: dict[str, bytes] = {}

    def keep(self, name: str, data: bytes) -> Stored:
        file_id = digest("zoom", "file", repr(self.clock()), str(len(self.stored)))[:22]
        file = self.stored[file_id] = Stored(file_id, name, len(data))
        self._bytes[file_id] = data
        while sum(map(len, self._bytes.values())) > KEPT_BYTES:
            del self._bytes[next(iter(self._bytes))]
        return file

    def data(self, file_id: str) -> bytes:
        if file_id not in self._bytes:
            raise Refusal(404, 404, "Resource not found.")
        return self._bytes[file_id]

    def digest(self, file_id: str) -> str:
        return hashlib.sha256(self.data(file_id)).hexdigest()

    def address(self, file: Stored) -> str:
        """Where the file is for a while; it takes a token as well."""
        until = int(self.clock()) + ADDRESS_SECONDS
        return f"https://{HOST}/file/{file.id}?jwt={until}.{_seal(file.id, until)}"

    def check(self, file_id: str, jwt: str) -> None:
        until, _, seal = jwt.partition(".")
        if not until.isdigit() or seal != _seal(file_id, int(until)) or self.clock() > int(until):
            raise Refusal(403, 403, "Operation not permitted.")


def _seal(file_id: str, until: int) -> str:
    return digest("zoom", "jwt", file_id, str(until))[:32]


def form_of(request: Request) -> tuple[Mapping[str, str], list[tuple[str, str, bytes]]]:
    """The fields of a multipart form, and its files as field, name and bytes."""
    boundary = _BOUNDARY.match(request.headers.get("content-type", ""))
    if boundary is None:
        raise Refusal(400, 300, "The request is not multipart/form-data.")
    fields: dict[str, str] = {}
    files: list[tuple[str, str, bytes]] = []
    mark = b"--" + boundary[1].encode()
    for part in (b"\r\n" + request.body).split(b"\r\n" + mark)[1:-1]:
        head, _, data = part.partition(b"\r\n\r\n")
        name, file_name = _NAME.search(head), _FILE_NAME.search(head)
        field = name[1].decode(errors="replace") if name else ""
        if file_name:
            files.append((field, file_name[1].decode(errors="replace"), data))
        else:
            fields[field] = data.decode(errors="replace")
    return fields, files


def only_file(files: list[tuple[str, str, bytes]], field: str) -> tuple[str, bytes]:
    """The one file that a form must bring under ``field``."""
    if [name for name, _, _ in files] != [field]:
        raise Refusal(400, 300, f"Invalid parameter: {field}.")
    return files[0][1], files[0][2]


def check_size(size: int, most: int) -> None:
    if size > most:
        raise Refusal(400, 300, f"Maximum file size exceeded: {most}")
