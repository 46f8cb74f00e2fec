"""Messages and files of the fake Webex: what may be posted, edited, deleted and read (reference §3.1, §3.3)."""

from collections.abc import Iterable, Mapping
from email.utils import encode_rfc2231
from typing import Any
from urllib.parse import urlsplit

from connectors.html import web_address
from connectors.webex.sandbox_asked import NO_ROOM, Answer, Asked, Problem, by_id, found_room, paged
from connectors.webex.sandbox_company import Company
from connectors.webex.sandbox_forms import given_fields, text_field
from connectors.webex.sandbox_state import File, Member, Room, Said
from connectors.webex.sandbox_text import echoed, service_html

LONGEST_TEXT = 7_439
"""Bytes of ``text`` and of ``markdown`` (§3.1)."""
LARGEST_FILE = 100 * 1024**2
"""Bytes (§3.1)."""
MOST_EDITS = 10
"""Of one message (§3.1)."""
SCAN_SECONDS = 5
"""What a file that is being scanned asks for; Webex documents no figure (§3.3)."""

NO_MESSAGE = "Unable to delete message."  # (sic), also for reading: §3.1
ONE_DESTINATION = "Exactly one of the destination fields must not be empty (roomId, toPersonEmail, toPersonId)"

CARD = "application/vnd.microsoft.card.adaptive"
VERSIONS = frozenset(["1.0", "1.1", "1.2", "1.3"])
"""Of cards that Webex draws (§3.2)."""

SCANS = {
    423: "The file is being scanned.",
    410: "The file was found to be infected and was removed.",
    428: "The file cannot be scanned; use allow=unscannable to download it nonetheless.",
}
MESSAGE_FIELDS = frozenset(
    ["roomId", "toPersonId", "toPersonEmail", "parentId", "text", "markdown", "files", "attachments"]
)
EDIT_FIELDS = frozenset(["roomId", "text", "markdown"])


def list_messages(asked: Asked) -> Answer:
    query = asked.query
    if "roomId" not in query:
        raise Problem(400, "Required String parameter 'roomId' is not present")
    room = found_room(asked, query["roomId"])
    newest_first = [said.data for said in reversed(room.messages.values())]
    found = by_id(_selected(newest_first, query, asked.member))
    return paged(asked, found, found.__getitem__, default=50)


def _selected(messages: Iterable[dict[str, Any]], query: Mapping[str, str], member: Member) -> Iterable[dict[str, Any]]:
    if "beforeMessage" in query:
        messages = iter(messages)
        next((item for item in messages if item["id"] == query["beforeMessage"]), None)
    wanted = {member.id if id_ == "me" else id_ for id_ in query.get("mentionedPeople", "").split(",") if id_}
    for item in messages:
        if (
            item["created"] < query.get("before", "9999")
            and item.get("parentId") == query.get("parentId", item.get("parentId"))
            and (not wanted or wanted & set(item.get("mentionedPeople", ())))
        ):
            yield item


def list_direct(asked: Asked) -> Answer:
    """The 1:1 space with one person. What Webex answers where there is none it does not say."""
    room = asked.company.direct_between(asked.member, _person(asked, asked.query))
    if room is None:
        raise Problem(404, NO_ROOM)
    newest_first = [said.data for said in reversed(room.messages.values())]
    found = by_id(_selected(newest_first, asked.query, asked.member))
    return paged(asked, found, found.__getitem__, default=50)


def _person(asked: Asked, given: Mapping[str, Any]) -> Member:
    key = "toPersonId" if "toPersonId" in given else "toPersonEmail" if "toPersonEmail" in given else ""
    found = asked.company.find(text_field(given, key) or given.get("personId") or given.get("personEmail") or "")
    if found is None:
        raise Problem(404, "Person not found")
    return asked.company.anybody(found[0])


def _space_with(asked: Asked, person: Member) -> Room:
    """Made by the first message, unless one of the two is from outside and external messaging is blocked (§6.3)."""
    company, is_external = asked.company, asked.member.organization != person.organization
    if company.direct_between(asked.member, person) is None and is_external and not company.lets_outsiders_in:
        raise Problem(403, "The policy of the organization does not allow messages to people from outside.")
    return company.direct_room(asked.member, person)


def _found(asked: Asked) -> Said:
    said = asked.company.message(asked.target, asked.member)
    if said is None:
        raise Problem(404, NO_MESSAGE)
    return said


def one_message(asked: Asked) -> Answer:
    return 200, _found(asked).data, {}


def post_message(asked: Asked) -> Answer:
    given = given_fields(asked.request, MESSAGE_FIELDS)
    if sum(bool(given.get(name)) for name in ("roomId", "toPersonEmail", "toPersonId")) != 1:
        raise Problem(400, ONE_DESTINATION)
    known = text_field(given, "roomId")
    room = found_room(asked, known) if known else _space_with(asked, _person(asked, given))
    fields, files = _parent(room, given) | _texts(asked.company, given) | _card(given), _files(given)
    if (
        not fields.keys() & {"text", "html"} and not files
    ):  # a card alone is not enough: there are clients without cards
        raise Problem(400, "Both text and file cannot be empty.")
    return 200, asked.company.say(asked.member, room, fields, files).data, {}


def edit_message(asked: Asked) -> Answer:
    given, said = given_fields(asked.request, EDIT_FIELDS), _found(asked)
    if given.get("roomId") != said.data["roomId"]:
        raise Problem(400, "roomId cannot be null")
    if said.data["personId"] != asked.member.id:
        raise Problem(403, "Only the author of a message can edit it.")
    if said.files or "attachments" in said.data:
        raise Problem(400, "A message with files or attachments cannot be edited.")
    if said.edits >= MOST_EDITS:
        raise Problem(400, "The maximum number of edits for this message has been reached.")
    fields = _texts(asked.company, given)
    if not fields:
        raise Problem(400, "Both text and file cannot be empty.")
    asked.company.edit(asked.member, said, fields)
    return 200, said.data, {}


def delete_message(asked: Asked) -> Answer:
    said = _found(asked)
    if said.data["personId"] != asked.member.id:
        raise Problem(403, "Only its author or a moderator can delete a message.")
    asked.company.delete(asked.member, said)
    return 204, None, {}


def _parent(room: Room, given: Mapping[str, Any]) -> dict[str, str]:
    if not given.get("parentId"):
        return {}
    parent = room.messages.get(text_field(given, "parentId"))
    if parent is None or "parentId" in parent.data:
        raise Problem(400, "Unable to reply: the parent is unknown or is a reply itself.")
    return {"parentId": parent.data["id"]}


def _texts(company: Company, given: Mapping[str, Any]) -> dict[str, str]:
    text, markdown = text_field(given, "text"), text_field(given, "markdown")
    if max(len(text.encode()), len(markdown.encode())) > LONGEST_TEXT:
        raise Problem(400, f"Message length limited to {LONGEST_TEXT} bytes.")
    if markdown.strip():
        return {"markdown": echoed(markdown, company.find), "html": service_html(markdown, company.find)}
    return {"text": text} if text.strip() else {}


def _card(given: Mapping[str, Any]) -> dict[str, Any]:
    """The one card, not beside a file (§3.1)."""
    cards = given.get("attachments") or []
    if not isinstance(cards, list) or len(cards) > 1 or (cards and given.get("files")):
        raise Problem(400, "Only one card may be sent, and no file with it.")
    for card in cards:
        if not isinstance(card, dict) or card.get("contentType") != CARD or not _is_card(card.get("content")):
            raise Problem(400, "Unable to retrieve content.")
    return {"attachments": cards} if cards else {}


def _is_card(content: object) -> bool:
    """As far as our own cards go: their version is drawn, and their buttons open web addresses."""
    if not isinstance(content, dict) or content.get("type") != "AdaptiveCard" or content.get("version") not in VERSIONS:
        return False
    actions = [action for action in content.get("actions", ()) if action["type"] == "Action.OpenUrl"]
    return all(action.get("title") and web_address(action.get("url", "")) for action in actions)


def _files(given: Mapping[str, Any]) -> list[File]:
    """The one file: uploaded, or at an address, which the sandbox does not ask: that one is empty."""
    files = given.get("files") or []
    if not isinstance(files, list) or len(files) > 1 or not all(isinstance(file, str | File) for file in files):
        raise Problem(400, "Only one file may be sent.")
    if any(isinstance(file, File) and len(file.data) > LARGEST_FILE for file in files):
        raise Problem(400, "The file is too large.")
    return [file if isinstance(file, File) else _at(file) for file in files]


def _at(address: str) -> File:
    return File(urlsplit(address).path.rpartition("/")[2] or "file", "application/octet-stream", b"")


def read_file(asked: Asked) -> Answer:
    """``GET`` and ``HEAD`` of a file's content."""
    kept = asked.company.files.get(asked.target)
    if kept is None or asked.member.id not in asked.company.rooms[kept.room].members:
        raise Problem(404, "Unable to find content.")
    allowed = kept.scan == 428 and asked.query.get("allow") == "unscannable"
    if kept.scan in SCANS and not allowed:
        wait = {"retry-after": str(SCAN_SECONDS)} if kept.scan == 423 else {}
        raise Problem(kept.scan, SCANS[kept.scan], wait)
    headers = {
        "content-disposition": f"attachment; {_file_name(kept.file.name)}",
        "content-type": kept.file.content_type,
        "content-length": str(len(kept.file.data)),
    }
    return 200, kept.file.data if asked.request.method == "GET" else b"", headers


def _file_name(name: str) -> str:
    if name.isascii() and name.isprintable():
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'filename="{quoted}"'
    return f"filename*={encode_rfc2231(name, 'UTF-8')}"
