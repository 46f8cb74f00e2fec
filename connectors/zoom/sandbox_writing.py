"""The calls of the fake Zoom that change something: messages, reactions, files, the chatbot's words (§3.1, §3.3, §3.4)."""

from collections.abc import Mapping
from typing import Any

from connectors.calls import Response
from connectors.zoom import ids
from connectors.zoom.files import content_type
from connectors.zoom.sandbox_api import Api, Call, json_of
from connectors.zoom.sandbox_company import ACCOUNT, Card, Room, Stored
from connectors.zoom.sandbox_files import (
    ELSEWHERE,
    HOST,
    LARGEST_IMAGE,
    LARGEST_OTHER,
    LARGEST_STORED,
    check_size,
    form_of,
    only_file,
)
from connectors.zoom.sandbox_rules import (
    Refusal,
    answer,
    check_emoji,
    check_mentions,
    check_spans,
    check_text,
    invalid,
)

MOST_FILES = 6
"""Files of one message (§3.1)."""

LONGEST_CARD = 4096
"""Characters of a chatbot's message (§3.4)."""


def send_message(api: Api, call: Call) -> Response:
    body = json_of(call.request)
    message = check_text(body.get("message"))
    place = api.sendable(call, body)
    spans = check_spans(body.get("rich_text"), message)
    if place.is_pair and body.get("at_items"):
        raise invalid("at_items")
    mentions = check_mentions(body.get("at_items"), message, lambda contact: _contact(place, contact))
    root = _root(place, body.get("reply_main_message_id"))
    files = _files(api, body.get("file_ids"))
    said = api.acts.say(place, api.user_of(call), message, spans, mentions, root, files)
    return answer(201, {"id": said.id})


def edit_message(api: Api, call: Call) -> Response:
    """Text alone: what the message had of spans and mentions is gone; files may be taken away or exchanged (§3.1)."""
    body = json_of(call.request)
    place, said = api.own_of(call, body)
    message = check_text(body.get("message"))
    if "file_ids" in body:
        files = _files(api, body["file_ids"], 5404)
        if files and not said.files:
            raise Refusal(
                400, 300, "A plain text message that is sent without any files is not allowed to update with it."
            )
        said.files = files
    api.acts.edit(place, said, message, [], [])
    return Response(204)


def delete_message(api: Api, call: Call) -> Response:
    place, _ = api.own_of(call, call.request.query)
    api.acts.delete(place, ids.message(call.path["message"]))
    return Response(204)


def react(api: Api, call: Call) -> Response:
    body = json_of(call.request)
    place, said = api.said_of(call, body)
    if body.get("action") not in ("add", "remove"):
        raise invalid("action")
    api.acts.react(place, said, api.user_of(call), check_emoji(body.get("emoji")), body["action"] == "add")
    return Response(204)


def share_file(api: Api, call: Call) -> Response:
    """A message of one file, without a text (§3.3)."""
    if moved := _elsewhere(api, call):
        return moved
    fields, sent = form_of(call.request)
    name, data = only_file(sent, "files")
    check_size(len(data), LARGEST_IMAGE if Stored("", name, 0).is_image else LARGEST_OTHER)
    place = api.sendable(call, fields)
    root = _root(place, fields.get("reply_main_message_id"))
    file = api.acts.files_kept.keep(name, data)
    return answer(201, {"id": api.acts.say(place, api.user_of(call), "", [], [], root, [file]).id})


def store_file(api: Api, call: Call) -> Response:
    """A file for a message to come; by default it also goes into the user's own chat (§3.3)."""
    if moved := _elsewhere(api, call):
        return moved
    name, data = only_file(form_of(call.request)[1], "file")
    check_size(len(data), LARGEST_STORED)
    file = api.acts.files_kept.keep(name, data)
    if call.request.query.get("postToPersonalChat", "true") != "false":
        api.acts.files_kept.notes.append(file)
    return answer(201, {"id": file.id})


def file_info(api: Api, call: Call) -> Response:
    file = api.acts.files_kept.stored.get(call.path["file"])
    if file is None:
        raise Refusal(404, 404, "Resource not found.")
    known = {"file_id": file.id, "file_name": file.name, "OS_file_type": file.extension, "length": file.size}
    times = {"created_time": int(api.clock() * 1000), "modified_time": int(api.clock() * 1000)}
    return answer(
        200, known | times | {"digest": api.acts.files_kept.digest(file.id), "download_url": api.address(file)}
    )


def download(api: Api, call: Call) -> Response:
    """The bytes, at an address that does not hold for long and for a token that is good (§3.3)."""
    if moved := _elsewhere(api, call):
        return moved
    kept, file_id = api.acts.files_kept, call.path["file"]
    kept.check(file_id, call.request.query.get("jwt", ""))
    data = kept.data(file_id)
    headers = {"content-type": content_type(kept.stored[file_id].name)}
    if call.request.headers.get("range") == "bytes=0-0":
        return Response(206, data[:1], headers | {"content-range": f"bytes 0-0/{len(data)}"})
    return Response(200, data, headers | {"content-length": str(len(data))})


def speak(api: Api, call: Call) -> Response:
    """A chatbot's message for one person: in a channel, or in that person's own chat with it (§3.4).

    One that everybody in a channel reads is not needed here, and not taken.
    """
    if not (call.token.bot and call.token.scopes):
        raise Refusal(401, 7010, "Invalid Authorization token.")
    body, acts = json_of(call.request), api.acts
    card = _card(body.get("content"))
    if body.get("robot_jid") != acts.robot:
        raise Refusal(404, 7002, "Invalid robot_jid value specified in the Request Body.")
    if not api.tokens.installed:
        raise Refusal(403, 7004, "Not authorized.")
    if body.get("account_id") != ACCOUNT or not (_greets(api, body, card) or _whispers(api, body, card)):
        raise Refusal(403, 7004, "No channel or user can be found with the given to_jid value.")
    made = {"message_id": str(len(acts.whispered)), "robot_jid": acts.robot}
    return answer(201, made | {"to_jid": body["to_jid"], "sent_time": "2026-01-01 00:00:00"})


def _whispers(api: Api, body: Mapping[str, Any], card: Card) -> bool:
    place = api.acts.rooms.get(ids.conversation_of_jid(body.get("to_jid")))
    asker = str(body.get("visible_to_user"))
    if place is None or asker not in {one.id for one in place.members if one.id}:
        return False
    api.acts.whispered.append((ids.conversation(place.id), asker, card, api.acts.clock()))
    return True


def _greets(api: Api, body: Mapping[str, Any], card: Card) -> bool:
    found = next((one for one in api.users if one.jid == body.get("to_jid") == body.get("user_jid")), None)
    if found:
        api.acts.greeted.append((found.id, card.typed))
        api.acts.whispered.append((ids.direct(found.jid), found.id, card, api.acts.clock()))
    return found is not None


def _card(content: object) -> Card:
    """What a card says. Its head and its lines are texts; a line with a ``link`` leads there."""
    try:
        head, lines = content["head"]["text"], content["body"]  # type: ignore[index]
        said = [(line["text"], line.get("link", "")) for line in lines if line["type"] == "message"]
        text = "\n".join(text for text, link in said if not link)
    except (TypeError, KeyError, AttributeError):
        raise Refusal(400, 7001, "Invalid Request Body format.") from None
    links = tuple((label, link) for label, link in said if link)
    card = Card(text, links)
    if not (isinstance(head, str) and text) or len(card.typed) > LONGEST_CARD or not all(map(_leads, links)):
        raise Refusal(400, 7001, "Invalid Request Body format.")
    return card


def _leads(link: tuple[str, str]) -> bool:
    label, url = link
    return bool(label) and url.startswith(("https://", "http://"))


def _elsewhere(api: Api, call: Call) -> Response | None:
    """The other host's address, where the fake is told to send people on."""
    if not api.acts.redirects or f"//{ELSEWHERE}/" in call.request.url:
        return None
    query = "&".join(f"{name}={value}" for name, value in call.request.query.items())
    location = call.request.url.partition("?")[0].replace(HOST, ELSEWHERE, 1)
    return Response(307, b"", {"location": f"{location}?{query}" if query else location})


def _root(place: Room, wanted: object) -> str:
    """The thread to reply in: only a first message has one (§3.1)."""
    if not wanted:
        return ""
    root = place.messages.get(ids.message(wanted))
    if root is None:
        raise Refusal(400, 300, f"Message does not exist: {wanted}.")
    if root.root:
        raise Refusal(400, 5402, "This only supports replies to a main message.")
    return root.id


def _files(api: Api, wanted: object, code: int = 300) -> list[Stored]:
    if wanted is None:
        return []
    if not isinstance(wanted, list) or len(wanted) > MOST_FILES:
        raise invalid("file_ids")
    known = api.acts.files_kept.stored
    if missing := [one for one in wanted if one not in known]:
        raise Refusal(400, code, f"File does not exist: {missing[0]}.")
    return [known[one] for one in wanted]


def _contact(place: Room, contact: str) -> Mapping[str, str] | None:
    """A mention takes an e-mail address or a member id, never a user id (§3.1)."""
    found = place.member(contact)
    return found.contact if found and contact != found.id else None
