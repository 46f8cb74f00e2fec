"""Bodies that the fake Webex takes: JSON, forms, and forms with a file (reference §0, §9.1)."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

from connectors.contract import Request
from connectors.webex.sandbox_asked import Problem
from connectors.webex.sandbox_state import File

_PART = re.compile(rb"\A(.*?)\r\n\r\n(.*)\Z", re.DOTALL)
_PARAMETER = re.compile(r';\s*(name|filename)="([^"]*)"')
_ENCODED_NAME = re.compile(r"filename\*=utf-8''([^;\s]+)", re.IGNORECASE)
_ESCAPED = re.compile("%22|%0A|%0D")
"""What a browser escapes in the name of a file, and nothing else."""
_TYPE = re.compile(r"^content-type:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_BOUNDARY = re.compile(r'boundary="?([^";]+)')


def given_fields(request: Request, known: Iterable[str]) -> dict[str, Any]:
    """The fields of a body. A field that Webex does not document is refused, so that our own mistakes show."""
    header = request.headers.get("content-type", "")
    match header.partition(";")[0].strip().lower():
        case "application/json":
            read = _json_object(request.body.decode(errors="replace"))
        case "application/x-www-form-urlencoded":
            read = dict(parse_qsl(request.body.decode(errors="replace")))
        case "multipart/form-data":
            read = _form(request.body, header)
        case kind:
            raise Problem(415, f"Content type '{kind}' not supported")
    given = {name: value for name, value in read.items() if value is not None}
    if unknown := sorted(given.keys() - set(known)):
        raise Problem(400, f"Unrecognized field: {unknown[0]}")
    return given


def text_field(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name, "")
    if not isinstance(value, str):
        raise Problem(400, f"{name} must be a string")
    return value


def _json_object(body: str) -> dict[str, Any]:
    try:
        read = json.loads(body)
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise Problem(400, "The request could not be understood by the server due to malformed syntax.")
    return read


def _form(body: bytes, header: str) -> dict[str, Any]:
    """Parts by name; those with a file name are a list of files under theirs."""
    read: dict[str, Any] = {}
    for name, value in _parts(body, header):
        if isinstance(value, File):
            read.setdefault(name, []).append(value)
        else:
            read[name] = value
    return read


def _parts(body: bytes, header: str) -> Iterator[tuple[str, str | File]]:
    boundary = _BOUNDARY.search(header)
    if boundary is None:
        raise Problem(400, "The multipart request has no boundary.")
    for piece in (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode())[1:-1]:
        part = _PART.match(piece)
        if part is None:
            raise Problem(400, "A part of the multipart request cannot be read.")
        told = part[1].decode(errors="replace")
        parameters = dict(_PARAMETER.findall(told))
        if "filename" in parameters:
            parameters["filename"] = _ESCAPED.sub(lambda found: unquote(found[0]), parameters["filename"])
        if encoded := _ENCODED_NAME.search(told):
            parameters["filename"] = unquote(encoded[1])
        if "filename" not in parameters:
            yield parameters.get("name", ""), part[2].decode(errors="replace")
            continue
        kind = _TYPE.search(told)
        file_type = kind[1] if kind else "application/octet-stream"
        yield parameters.get("name", ""), File(parameters["filename"], file_type, part[2])
