"""The files of the fake: the team's site in SharePoint and the pictures that Graph keeps (reference teams.md §3.9, §3.10)."""

import base64
import mimetypes
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from connectors.calls import Response
from connectors.contract import Request
from connectors.sandbox import COMPANY, digest
from connectors.sandbox_data import Data, kept, served_file
from connectors.teams.sandbox_entra import guid
from connectors.teams.sandbox_rules import Denied

SITE_HOST = "acme.sharepoint.com"
SITE = f"https://{SITE_HOST}/sites/{COMPANY}"
MY_SITES = "https://acme-my.sharepoint.com/personal"
"""Where people's own files lie."""
KEPT_BYTES = 320 * 1024**2
"""All files together: the largest that Graph takes at once and some more; the oldest go first."""
LARGEST_UPLOAD = 250 * 1024**2
"""Bytes of one PUT (§3.9)."""
DOWNLOAD_SECONDS = 3600
"""How long the address of a download works (§3.9)."""
_OFFICE = (".docx", ".xlsx", ".pptx")


@dataclass(slots=True)
class File:
    """A file, or with an empty ``folder`` a picture that Graph keeps at ``url``."""

    id: str
    name: str
    folder: str
    kind: str
    data: Data
    url: str


class Drive:
    """Files by id; pictures by the address at which Graph keeps them."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.id = "b!" + digest("teams", "drive")[:40]
        self._files: dict[str, File] = {}
        self._clock = clock
        self._made = 0

    def folder(self, channel: str, name: str) -> dict[str, Any]:
        """The driveItem that is a channel's folder."""
        reference = {"driveId": self.id, "driveType": "documentLibrary"}
        web = f"{SITE}/Shared%20Documents/{quote(name)}"
        return {"id": _folder_id(channel), "name": name, "webUrl": web, "folder": {}, "parentReference": reference}

    def personal(self, user: str, email: str) -> dict[str, Any]:
        """The drive that is somebody's OneDrive."""
        web = f"{MY_SITES}/{re.sub('[^A-Za-z0-9]', '_', email)}/Documents"
        return {"id": "b!" + digest("teams", "drive", user)[:40], "driveType": "business", "webUrl": web}

    def put(self, folder: str, path: str, name: str, data: bytes) -> dict[str, Any]:
        """Store a file under a name that is free; the new driveItem. Raises ``Denied``."""
        if any(character in name for character in '"*:<>?/\\|') or name != name.strip(" ."):
            raise Denied(400, "invalidRequest", "The provided name cannot contain that character.")
        if len(data) > LARGEST_UPLOAD:
            raise Denied(413, "RequestEntityTooLarge", "Request Entity too large")
        taken = {file.name for file in self._files.values() if file.folder == folder}
        stem, dot, suffix = name.rpartition(".") if "." in name else (name, "", "")
        free = next(
            one for n in range(len(taken) + 1) if (one := f"{stem} {n}{dot}{suffix}" if n else name) not in taken
        )
        self._made += 1
        id_ = guid("file", folder, free, str(self._made)).upper()
        file = File(id_, free, folder, _kind(free), kept(data), _web_url(id_, path, free))
        self._keep(file)
        return self._item(file)

    def keep_picture(self, url: str, kind: str, data: bytes) -> None:
        """Store a picture of a message."""
        self._keep(File(url, "image", "", kind, kept(data), url))

    def picture(self, url: str) -> File:
        """A picture of a message. Raises ``Denied``."""
        if url not in self._files:
            raise Denied(404, "NotFound", "The hosted content was not found.")
        return self._files[url]

    def shared(self, share: str) -> File:
        """The file whose address is encoded in ``u!…``. Raises ``Denied``."""
        try:
            encoded = share.removeprefix("u!")
            url = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
        except ValueError:
            raise Denied(400, "invalidRequest", "The sharing token is invalid.") from None
        return self.at(url)

    def at(self, url: str) -> File:
        """The file at an address that a person sees. Raises ``Denied``."""
        document = parse_qs(urlsplit(url).query).get("sourcedoc", [""])[0].strip("{}").upper()
        file = next((one for one in self._files.values() if one.url == url or one.id == document), None)
        if file is None or not file.folder:
            raise Denied(404, "itemNotFound", "The resource could not be found.")
        return file

    def download_url(self, file: File) -> str:
        """An address that works for a while without any token."""
        until = int(self._clock()) + DOWNLOAD_SECONDS
        return f"{SITE}/_layouts/15/download.aspx?UniqueId={file.id}&tempauth={until}.{_seal(file.id, until)}"

    def handle(self, request: Request, query: Mapping[str, str]) -> Response:
        """Answer at SharePoint's own host: only such downloads, and no token of Graph may come here."""
        file, (until, _, seal) = self._files.get(query.get("UniqueId", "")), query.get("tempauth", "").partition(".")
        proven = (
            until.isdecimal() and int(until) > self._clock() and seal == _seal(query.get("UniqueId", ""), int(until))
        )
        if request.method != "GET" or file is None or not proven or "authorization" in request.headers:
            return Response(401, b"", {"content-type": "text/plain"})
        disposition = f"attachment; filename*=UTF-8''{quote(file.name)}"
        return served_file(file.data, {"content-type": file.kind, "content-disposition": disposition})

    def _keep(self, file: File) -> None:
        self._files[file.id] = file
        while sum(len(one.data) for one in self._files.values()) > KEPT_BYTES and len(self._files) > 1:
            del self._files[next(iter(self._files))]

    def _item(self, file: File) -> dict[str, Any]:
        return {
            "id": "01" + digest("teams", "item", file.id)[:32].upper(),
            "name": file.name,
            "size": len(file.data),
            "eTag": f'"{{{file.id}}},1"',
            "webUrl": file.url,
            "file": {"mimeType": file.kind},
            "parentReference": {"driveId": self.id, "driveType": "documentLibrary", "id": file.folder},
        }


def _folder_id(channel: str) -> str:
    return "01" + digest("teams", "folder", channel)[:32].upper()


def _kind(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _web_url(id_: str, path: str, name: str) -> str:
    """Where a person looks at it: documents open in an editor whose address has more than the name (§3.1)."""
    if name.lower().endswith(_OFFICE):
        site = "/".join(path.split("/")[: len(SITE.split("/"))])
        return (
            f"{site}/_layouts/15/Doc.aspx?sourcedoc=%7B{id_}%7D&file={quote(name)}&action=default&mobileredirect=true"
        )
    return f"{path}/{quote(name)}"


def _seal(id_: str, until: int) -> str:
    return digest("teams", "download", id_, str(until))[:32]
