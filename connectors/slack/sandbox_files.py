"""The fake Slack's files: uploaded in three steps, shared a little later, shown to who may see them (reference §3.6)."""

import mimetypes
from urllib.parse import quote

from connectors.calls import Response
from connectors.contract import Request
from connectors.sandbox import digest
from connectors.sandbox_data import kept, served_file
from connectors.slack.sandbox_arguments import nested
from connectors.slack.sandbox_chat import checked_blocks, signed_by, threaded
from connectors.slack.sandbox_company import Method, Workspace
from connectors.slack.sandbox_records import Caller, Channel, Complaint, File, Object
from connectors.slack.sandbox_texts import stored_text
from connectors.slack.sandbox_tokens import caller_of

KEPT_BYTES = 256 * 1024 * 1024
"""Bytes of files remembered altogether; the oldest are forgotten first."""
LOOKS = 1
"""How often a fresh file's shares are still hidden from ``files.info``: the real Slack shares in its own time."""

_AUDIENCES = {
    "public_channel": ("public", "channels"),
    "private_channel": ("private", "groups"),
    "mpim": ("private", "groups"),
    "im": ("private", "ims"),
}
"""Where a file object tells that it was shared in a conversation of each type."""

_LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Sign in to Acme | Slack</title></head><body></body></html>"


def add_file(workspace: Workspace, name: str, data: bytes, owner: str) -> File:
    """A file that nobody was shown yet; Slack finds out what it is when it is shared."""
    now, workspace.counter = int(workspace.clock()), workspace.counter + 1
    file_id = "F" + digest(name, str(workspace.clock()), str(workspace.counter))[:10].upper()
    base = f"https://files.slack.com/files-pri/{workspace.team}-{file_id}"
    told: Object = {"id": file_id, "created": now, "timestamp": now, "name": name, "title": name, "user": owner}
    told |= {"mimetype": "", "filetype": "", "pretty_type": "", "mode": "hosted", "is_external": False}
    told |= {
        "is_public": True,
        "size": len(data),
        "url_private": f"{base}/{quote(name, safe='')}",
        "shares": {},
        "channels": [],
        "groups": [],
        "ims": [],
    }
    told |= {"url_private_download": f"{base}/download/{quote(name, safe='')}"}
    told |= {"permalink": f"https://acme.slack.com/files/{owner}/{file_id}/{quote(name, safe='')}"}
    workspace.files[file_id] = File(kept(data), told, owner)
    _forget(workspace)
    return workspace.files[file_id]


def _forget(workspace: Workspace) -> None:
    while sum(len(file.data) for file in workspace.files.values()) > KEPT_BYTES and len(workspace.files) > 1:
        del workspace.files[next(iter(workspace.files))]


def share(workspace: Workspace, channel: Channel, files: list[File], message: Object) -> Object:
    """Make the message that shows files."""
    for file in files:
        file.told["mimetype"] = mimetypes.guess_type(file.told["name"])[0] or "application/octet-stream"
        file.told["filetype"] = file.told["name"].rpartition(".")[2].lower()
    shown = {"files": [file.told | {"shares": {}} for file in files], "upload": False, "display_as_bot": False}
    message = workspace.keep(channel, message | {"subtype": "file_share"} | shown)
    for file in files:
        audience, listed = _AUDIENCES[channel.kind]
        file.told |= {"is_public": audience == "public", listed: [channel.id]}
        file.told["shares"] = {audience: {channel.id: [{"ts": message["ts"], "channel_name": channel.name}]}}
        file.looks = LOOKS
    return message


def get_upload_url(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    name, length = str(arguments.get("filename") or ""), str(arguments.get("length") or "")
    if not name or not length.isdecimal() or int(length) < 1:
        raise Complaint("missing_argument")
    file = add_file(workspace, name, b"", caller.user)
    file.told["size"] = int(length)
    url = f"https://files.slack.com/upload/v1/{digest(file.told['id'])[:24]}"
    workspace.uploads[url] = file.told["id"]
    return {"upload_url": url, "file_id": file.told["id"]}


def complete_upload(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    given = nested(arguments, "files") or []
    files = [_uploaded(workspace, caller, str(entry.get("id", ""))) for entry in given]
    if not files:
        raise Complaint("invalid_arguments")
    named = str(arguments.get("channel_id") or arguments.get("channels") or "")
    channel = workspace.joined(caller, {"channel": named})
    if channel.archived:
        raise Complaint("posting_to_channel_denied")
    text = stored_text(str(arguments.get("initial_comment") or ""))
    blocks = [] if text else checked_blocks(workspace, arguments)
    answer = {"files": [dict(file.told) for file in files]}
    signed = signed_by(workspace, caller, arguments)
    if signed.pop("subtype", None):  # a borrowed name stands next to the bot's own user
        signed |= {"user": caller.user}
    share(workspace, channel, files, signed | {"text": text, "blocks": blocks} | threaded(channel, arguments))
    return answer


def _uploaded(workspace: Workspace, caller: Caller, file_id: str) -> File:
    file = workspace.files.get(file_id)
    if file is None or file.owner != caller.user or not file.data:
        raise Complaint("file_not_found")
    return file


def files_info(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    file = workspace.files.get(str(arguments.get("file", "")))
    if file is None or not _shows(workspace, caller, file):
        raise Complaint("file_not_found")
    answer: Object = {"comments": [], "response_metadata": {"next_cursor": ""}}
    if not file.looks:
        return answer | {"file": file.told}
    file.looks -= 1
    return answer | {
        "file": file.told | {"shares": {}, "channels": [], "groups": [], "ims": [], "mimetype": "", "filetype": ""}
    }


def files_delete(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    file = workspace.files.get(str(arguments.get("file", "")))
    if file is None:
        raise Complaint("file_deleted")
    if file.owner != caller.user:
        raise Complaint("cant_delete_file")
    del workspace.files[file.told["id"]]
    return {}


def serve_files(workspace: Workspace, request: Request, path: str) -> Response:
    """Uploads without a token, downloads with one."""
    if path.startswith("/upload/"):
        return _take_upload(workspace, request)
    file_id = path.removeprefix("/files-pri/").partition("/")[0].partition("-")[2]
    file = workspace.files.get(file_id)
    if not _may_read(workspace, request.headers.get("authorization", "").removeprefix("Bearer "), file):
        headers = {"content-type": "text/html; charset=utf-8", "x-slack-meta": "?;acl_fail"}
        return Response(200, _LOGIN_PAGE, headers)
    if file is None:
        return Response(404, b"", {"content-type": "text/html"})
    kind = file.told["mimetype"] or "application/octet-stream"
    return served_file(file.data, {"content-type": kind})


def _may_read(workspace: Workspace, token: str, file: File | None) -> bool:
    try:
        caller = caller_of(workspace, token)
    except Complaint:
        return False
    return "files:read" in caller.scopes and (file is None or _shows(workspace, caller, file))


def _shows(workspace: Workspace, caller: Caller, file: File) -> bool:
    """A file is there for its owner, and for who sees a conversation that it was shared in."""
    shared = (workspace.channels.get(place) for places in file.told["shares"].values() for place in places)
    return file.owner == caller.user or any(channel and channel.shows_to(caller) for channel in shared)


def _take_upload(workspace: Workspace, request: Request) -> Response:
    """An address for an upload is good once, and for exactly as many bytes as were promised."""
    file = workspace.files.get(workspace.uploads.pop(request.url, ""))
    if file is None or request.method != "POST" or len(request.body) != file.told["size"]:
        return Response(400, b"upload failed", {"content-type": "text/plain"})
    file.data = kept(request.body)
    _forget(workspace)
    return Response(200, f"OK - {len(request.body)}".encode(), {"content-type": "text/plain"})


def _retired(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    raise Complaint("method_deprecated")


FILES: dict[str, Method] = {
    "files.completeUploadExternal": (complete_upload, ("files:write",), True),
    "files.delete": (files_delete, ("files:write",), True),
    "files.getUploadURLExternal": (get_upload_url, ("files:write",), False),
    "files.info": (files_info, ("files:read",), False),
    "files.upload": (_retired, (), True),
}
