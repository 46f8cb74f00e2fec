"""Webex: what happens to a message after it was said, files, notices and commands, through our client and the fake."""

import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from connectors.calls import Response
from connectors.contract import Reacts, Request
from connectors.directory import ListsMembers
from connectors.errors import ConnectorError, Gone, RateLimited, Refused, Unsure
from connectors.http import drive_blocking, prepare
from connectors.messages import (
    Attachment,
    Commanded,
    Deleted,
    Draft,
    Happening,
    Kind,
    Message,
    MessageId,
    Noticed,
    Posted,
    Skipped,
    Stands,
)
from connectors.richtext import Broadcast, Document, Mention, Paragraph, Text, document, plain
from connectors.webex import ids, sandbox_company
from connectors.webex.client import reading
from connectors.webex.connector import Webex
from connectors.webex.names import legal_name
from connectors.webex.sandbox import FakeWebex
from tests.connectors.given import uploaded
from tests.connectors.webex.scene import SECRETS, Scene

T = TypeVar("T")


@pytest.fixture
def scene() -> Scene:
    return Scene()


# --- Edits


def test_an_edit_is_heard_as_the_message_stands(scene: Scene) -> None:
    farid = scene.person("Farid")
    typed = scene.webex.type_as(farid.id, scene.place.conversation, "first")
    scene.hooks.clear()
    scene.webex.edit_as(farid.id, scene.place.conversation, typed, "**second**")
    event = scene.heard()
    assert isinstance(event, Stands)
    assert (event.message.id, plain(event.message.body), event.reactions) == (typed, "second", frozenset())
    assert event.message.edited_at is not None
    assert event.message.edited_at > event.message.sent_at
    assert scene.shown() == [("<strong>second</strong>", None, True)]


def test_an_edit_is_not_told_where_the_platform_does_not(scene: Scene) -> None:
    farid = scene.person("Farid")
    typed = scene.webex.type_as(farid.id, scene.place.conversation, "first")
    scene.hooks.clear()
    scene.webex.sends_updates = False
    scene.webex.edit_as(farid.id, scene.place.conversation, typed, "second")
    assert (scene.webex.sends_updates, scene.told()) == (False, [])


def test_nobody_edits_or_deletes_the_message_of_another(scene: Scene) -> None:
    farid, grace = scene.person("Farid"), scene.person("Grace")
    typed = scene.webex.type_as(farid.id, scene.place.conversation, "mine")
    with pytest.raises(PermissionError):
        scene.webex.edit_as(grace.id, scene.place.conversation, typed, "yours")
    with pytest.raises(PermissionError):
        scene.webex.delete_as(grace.id, scene.place.conversation, typed)
    with pytest.raises(Refused):
        scene.run(scene.speaker.edit(typed, scene.speaker.render(scene.draft("ours"))))
    with pytest.raises(Refused):
        scene.run(scene.speaker.delete(scene.place.conversation, typed))


def test_our_message_is_edited_ten_times_and_not_more(scene: Scene) -> None:
    posted = scene.post("0")
    for number in range(1, 11):
        scene.run(scene.speaker.edit(posted, scene.speaker.render(scene.draft(f"*{number}*"))))
    with pytest.raises(Refused, match="ten times"):
        scene.run(scene.speaker.edit(posted, scene.speaker.render(scene.draft("11"))))
    ((html, _, edited),) = scene.shown()
    assert (html.endswith("*10*"), edited) == (True, True)


def test_an_edit_names_the_space_and_the_text_alone(scene: Scene) -> None:
    rendered = scene.speaker.render(scene.draft("x", MessageId("root")))
    call = next(scene.speaker.edit(MessageId("m"), rendered))
    assert (call.method, call.json.keys(), call.repeatable) == ("PUT", {"roomId", "markdown"}, True)
    assert call.scopes == ("spark:messages_write",)


def test_an_edit_of_what_is_gone_says_so(scene: Scene) -> None:
    with pytest.raises(Gone):
        scene.run(scene.speaker.edit(MessageId("unknown"), scene.speaker.render(scene.draft("x"))))


# --- Deletes


def test_a_deletion_is_heard_without_asking(scene: Scene) -> None:
    farid = scene.person("Farid")
    typed = scene.webex.type_as(farid.id, scene.place.conversation, "oops")
    scene.hooks.clear()
    scene.webex.delete_as(farid.id, scene.place.conversation, typed)
    assert (scene.heard(), scene.sent, scene.shown()) == (Deleted(typed), [], [])


def test_our_message_is_taken_back_and_doing_it_twice_does_no_harm(scene: Scene) -> None:
    posted = scene.post("oops")
    scene.told()
    for _ in range(2):
        scene.run(scene.speaker.delete(scene.place.conversation, posted))
    assert [(reference.kind, reference.message) for reference in scene.told()] == [(Kind.DELETED, posted)]
    assert scene.shown() == []


# --- Threads


def test_an_answer_names_the_root_of_its_thread(scene: Scene) -> None:
    farid, grace = scene.person("Farid"), scene.person("Grace")
    root = scene.webex.type_as(farid.id, scene.place.conversation, "question")
    scene.hooks.clear()
    scene.webex.reply_as(grace.id, scene.place.conversation, root, "answer")
    event = scene.heard()
    assert isinstance(event, Posted)
    assert event.message.thread == root
    scene.post("from elsewhere", root)
    assert [thread for _, thread, _ in scene.shown()] == [None, root, root]


def test_an_answer_whose_root_is_gone_is_said_without_it(scene: Scene) -> None:
    root = scene.post("root")
    scene.run(scene.speaker.delete(scene.place.conversation, root))
    scene.sent.clear()
    posted = scene.post("answer", root)
    assert [(one.id, one.thread) for one in scene.webex.shown(scene.place.conversation)] == [(posted, None)]
    assert ["parentId" in call.json for call in scene.sent] == [True, False]


def test_what_has_no_thread_is_refused_once(scene: Scene) -> None:
    rendered = scene.speaker.render(replace(scene.draft("x"), conversation=ids.conversation("unknown")))
    with pytest.raises(Gone):
        scene.run(scene.speaker.post(rendered))
    assert len(scene.sent) == 1


# --- Reactions


def test_reactions_are_seen_by_people_and_told_to_nobody(scene: Scene) -> None:
    farid, grace = scene.person("Farid"), scene.person("Grace")
    typed = scene.webex.type_as(farid.id, scene.place.conversation, "lunch?")
    scene.hooks.clear()
    for person in (farid, grace):
        scene.webex.react_as(person.id, scene.place.conversation, typed, "👍🏽", True)
    scene.webex.react_as(farid.id, scene.place.conversation, typed, "🎉", True)
    scene.webex.react_as(farid.id, scene.place.conversation, typed, "🎉", False)
    assert scene.webex.shown(scene.place.conversation)[0].reactions == (("👍🏽", ("Farid Haddad", "Grace Liu")),)
    assert scene.hooks == []
    assert not isinstance(scene.speaker, Reacts)


# --- Everybody


def test_a_call_to_everybody_is_live_and_only_where_it_was_meant(scene: Scene) -> None:
    body = document([Paragraph((Broadcast("here"), Text(" not <@all> nor @all")))])
    scene.run(scene.speaker.post(scene.speaker.render(Draft(scene.place.conversation, body, "n"))))
    event = scene.heard()
    assert isinstance(event, Posted)
    assert event.message.body == document([Paragraph((Broadcast("all"), Text(" not <@all> nor @all")))])


def test_a_lost_post_with_a_call_to_everybody_is_found(scene: Scene) -> None:
    body = document([Paragraph((Broadcast("here"), Text(" lunch")))])
    rendered = scene.speaker.render(Draft(scene.place.conversation, body, "n"))
    posted = scene.run(scene.speaker.post(rendered))
    assert scene.run(scene.speaker.find(rendered, datetime(2026, 1, 1, tzinfo=UTC))) == [posted]


# --- Files


def shared(scene: Scene, data: bytes = b"%PDF", text: str = "") -> Message:
    """A file that a person shared, as it is heard."""
    scene.webex.share_as(scene.person("Farid").id, scene.place.conversation, "Plan für Q3.pdf", data, text)
    event = scene.heard()
    assert isinstance(event, Posted)
    return event.message


def test_a_file_is_heard_by_its_address_and_read_with_its_name(scene: Scene) -> None:
    message = shared(scene, b"%PDF-1", "the *plan*")
    (attachment,) = message.attachments
    assert (plain(message.body), message.body.degraded) == ("the plan", ())
    assert attachment.handle.startswith("https://api.ciscospark.com/v1/contents/")
    call = scene.run(scene.speaker.open(attachment))
    assert (call.method, call.url.partition("contents/")[0]) == ("GET", "https://webexapis.com/v1/")
    scene.sent.append(call)
    answer = scene.answer(prepare(call, scene.speaker.credentials))
    assert (answer.body, answer.headers["content-type"], answer.headers["content-length"]) == (
        b"%PDF-1",
        "application/pdf",
        "6",
    )
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''Plan%20f%C3%BCr%20Q3.pdf"


def test_a_file_without_a_text_is_a_message(scene: Scene) -> None:
    message = shared(scene)
    assert (message.body, len(message.attachments)) == (Document(()), 1)


SCANS: dict[int, tuple[type[ConnectorError], str]] = {
    423: (RateLimited, "scanning"),
    410: (Refused, "removed by Webex's virus scanner"),
    428: (Refused, "cannot be scanned"),
}


@pytest.mark.parametrize("status", SCANS)
def test_a_file_that_is_held_back_says_why(scene: Scene, status: int) -> None:
    message = shared(scene)
    scene.webex.scan(scene.place.conversation, message.id, status)
    error, reason = SCANS[status]
    with pytest.raises(error, match=reason) as raised:
        scene.run(scene.speaker.open(message.attachments[0]))
    assert getattr(raised.value, "after", 5.0) == 5.0
    scene.webex.scan(scene.place.conversation, message.id, 200)
    assert scene.run(scene.speaker.open(message.attachments[0])).method == "GET"


FOREIGN = [
    "https://evil.example/v1/contents/x", "http://webexapis.com/v1/contents/x", "https://webexapis.com.evil.example/v1/contents/x",
    "https://webexapis.com/v1/people/me", "https://webexapis.com/v1/contents/../people/me", "https://webexapis.com/v1/contents/x?allow=unscannable",
    "https://webexapis.com@evil.example/v1/contents/x", "https://webexapis.com:444/v1/contents/x", "file:///etc/passwd", "",
    "https://webexapis.com/v1/contents/x#y", "https://webexapis.com/v1/contents/x\n", "https://webexapis.com/v1/contents/..",
]  # fmt: skip


@pytest.mark.parametrize("address", FOREIGN)
def test_no_other_address_is_asked_for_a_file(scene: Scene, address: str) -> None:
    with pytest.raises(Refused):
        scene.run(scene.speaker.open(Attachment("x", "", address)))
    assert scene.sent == []


@given(st.text(max_size=40))
def test_whatever_an_address_holds_the_token_stays_at_home(rest: str) -> None:
    speaker = Webex(FakeWebex(SECRETS, "https://hub.example.com").credentials())
    try:
        call = next(speaker.open(Attachment("", "", f"https://webexapis.com/v1/contents/{rest}")))
    except Refused:
        return
    url = urlsplit(requests.Request("GET", call.url).prepare().url)
    assert (url.scheme, url.netloc) == ("https", "webexapis.com")
    assert str(url.path).startswith("/v1/contents/")


def test_a_file_is_posted_with_its_line_into_its_thread(scene: Scene) -> None:
    root = scene.webex.type_as(scene.person("Farid").id, scene.place.conversation, "the plan?")
    attachment = Attachment('plän "1".pdf', "application/pdf", "", 4)
    posted = scene.run(scene.speaker.upload(attachment, scene.draft("here", root)), b"%PDF")
    assert scene.webex.files(scene.place.conversation) == [('plän "1".pdf', b"%PDF")]
    shown = scene.webex.shown(scene.place.conversation)[-1]
    assert (shown.id, shown.thread) == (posted, root)
    assert "here" in shown.html
    assert shown.files == ('plän "1".pdf',)
    assert [call.upload is not None for call in scene.sent] == [False, True]
    assert not scene.sent[-1].repeatable


def test_a_file_whose_root_is_gone_is_posted_without_it(scene: Scene) -> None:
    attachment = Attachment("a.txt", "text/plain", "", 1)
    scene.run(scene.speaker.upload(attachment, scene.draft("x", MessageId("gone"))), b"a")
    assert scene.webex.shown(scene.place.conversation)[0].thread is None


def test_a_file_may_go_without_a_word(scene: Scene) -> None:
    attachment = Attachment("a.txt", "text/plain", "", 1)
    scene.run(scene.speaker.upload(attachment, Draft(scene.place.conversation, Document(()), "n")), b"a")
    assert scene.sent[-1].upload is not None
    assert scene.sent[-1].upload.form.keys() == {"roomId"}
    assert scene.webex.files(scene.place.conversation) == [("a.txt", b"a")]


def test_what_has_a_file_is_not_edited(scene: Scene) -> None:
    attachment = Attachment("a.txt", "text/plain", "", 1)
    posted = scene.run(scene.speaker.upload(attachment, scene.draft("x")), b"a")
    with pytest.raises(Refused, match="none that has files"):
        scene.run(scene.speaker.edit(posted, scene.speaker.render(scene.draft("y"))))


def test_an_upload_whose_answer_cannot_be_read_is_unsure(scene: Scene) -> None:
    calls = scene.speaker.upload(Attachment("a.txt", "text/plain", "", 1), scene.draft("x"))
    with pytest.raises(Unsure):
        uploaded(calls, lambda _: Response(200, b"<html>"), scene.speaker.credentials, b"a")


def test_old_files_are_forgotten(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_company, "MOST_BYTES", 10)
    first, second = shared(scene, b"x" * 8), shared(scene, b"y" * 8)
    with pytest.raises(Gone):
        scene.run(scene.speaker.open(first.attachments[0]))
    assert scene.run(scene.speaker.open(second.attachments[0])).method == "GET"


# --- Notices


def test_who_joins_and_leaves_is_noticed_without_asking(scene: Scene) -> None:
    grace = scene.person("Grace")
    coffee = scene.webex.places()[1].conversation
    scene.webex.leave_as(grace.id, coffee)
    assert scene.heard() == Noticed(Happening.LEFT, (ids.account(grace.id),), by=ids.account(grace.id))
    scene.webex.join_as(grace.id, coffee)
    assert scene.heard() == Noticed(Happening.JOINED, (ids.account(grace.id),), by=ids.account(grace.id))
    assert scene.sent == []


def test_leaving_twice_is_two_events(scene: Scene) -> None:
    grace, told = scene.person("Grace"), set()
    for _ in range(2):
        scene.webex.leave_as(grace.id, scene.webex.places()[1].conversation)
        scene.webex.join_as(grace.id, scene.webex.places()[1].conversation)
    for hook in scene.hooks:
        headers = {name.lower(): value for name, value in hook.sign().items()}
        (envelope,) = Webex.receive(Request("POST", hook.url, headers, {}, hook.body), SECRETS)  # type: ignore[misc]
        told.add(envelope.event_id)
    assert len(told) == 4


def test_a_new_title_is_asked_for(scene: Scene) -> None:
    grace = ids.account(scene.person("Grace").id)
    scene.webex.rename_as(grace, scene.place.conversation, "All of Acme")
    assert b"All of Acme" not in scene.hooks[0].body
    assert scene.heard() == Noticed(Happening.RENAMED, text="All of Acme", by=grace)
    assert scene.sent[0].scopes == ("spark:rooms_read",)


def test_a_new_description_tells_the_title_that_is_known(scene: Scene) -> None:
    grace = ids.account(scene.person("Grace").id)
    scene.webex.topic_as(grace, scene.place.conversation, "tea")
    assert scene.heard() == Noticed(Happening.RENAMED, text=scene.place.name, by=grace)


def test_a_notice_by_nobody_we_can_name_is_one(scene: Scene) -> None:
    scene.webex.rename_as(scene.person("Grace").id, scene.place.conversation, "x")
    event = json.loads(scene.hooks.pop().body)
    for actor in (None, 7, "somebody", "a:b", "x" * 300):
        body = json.dumps(event | {"actorId": actor}).encode()
        signed = {"x-spark-signature": hmac.digest(SECRETS.webhook_secret.encode(), body, "sha1").hex()}
        (envelope,) = Webex.receive(Request("POST", "", signed, {}, body), SECRETS)  # type: ignore[misc]
        told = scene.speaker.parse({"title": "x"}, envelope.reference)
        assert told == Noticed(Happening.RENAMED, text="x")


# --- Names and topics


def test_a_space_is_renamed_and_the_echo_tells_that_it_was_us(scene: Scene) -> None:
    assert scene.run(scene.speaker.rename(scene.place.conversation, " Town\nSquare ")) == "Town Square"
    assert scene.sent[0].scopes == ("spark:rooms_write",)
    assert scene.place.name == "Town Square"
    assert scene.heard() == Noticed(Happening.RENAMED, text="Town Square", by=scene.speaker.credentials.account)


def test_a_space_is_described_and_keeps_its_title(scene: Scene) -> None:
    title = scene.place.name
    scene.run(scene.speaker.set_topic(scene.place.conversation, "tea &\ncake"))
    room = scene.webex.room(scene.place.conversation)
    assert (room.title, room.description) == (title, "tea & cake")
    assert scene.heard() == Noticed(Happening.RENAMED, text=title, by=scene.speaker.credentials.account)
    scene.run(scene.speaker.rename(scene.place.conversation, "x"))
    assert room.description == "tea & cake"
    scene.run(scene.speaker.set_topic(scene.place.conversation, ""))
    assert (room.title, room.description) == ("x", "")


def test_a_space_of_moderators_and_a_direct_one_are_not_ours_to_name(scene: Scene) -> None:
    scene.webex.room(scene.place.conversation).moderators.add(scene.person("Grace").id)
    ours, there = scene.speaker, scene.place.conversation
    for calls in (ours.rename(there, "x"), ours.set_topic(there, "x")):
        with pytest.raises(Refused, match="only moderators"):
            scene.run(calls)
    command = Commanded(ids.account(scene.person("Grace").id), "help")
    scene.run(ours.answer(command, there, document([Paragraph((Text("hi"),))])))
    listing = prepare(reading("/rooms", (), "rooms", {"type": "direct"}), ours.credentials)
    (direct,) = scene.answer(listing).json()["items"]
    with pytest.raises(Refused, match="direct"):
        scene.run(ours.rename(ids.conversation(direct["id"]), "x"))


@pytest.mark.parametrize(
    "fields", [{}, {"title": " "}, {"title": 7}, {"title": "x", "topic": "y"}, {"description": "x"}]
)
def test_an_illegal_change_of_a_space_is_refused(scene: Scene, fields: dict[str, object]) -> None:
    call = replace(next(scene.speaker.rename(scene.place.conversation, "x")), json=fields)
    assert scene.answer(prepare(call, scene.speaker.credentials)).status == 400


def test_every_member_can_be_listed(scene: Scene) -> None:
    assert isinstance(scene.speaker, ListsMembers)


@given(st.text(max_size=300))
def test_every_title_becomes_legal_once_and_for_all(name: str) -> None:
    scene, legal = Scene(), legal_name(name)
    assert legal_name(legal) == legal
    assert scene.run(scene.speaker.rename(scene.place.conversation, name)) == scene.place.name == legal


def test_a_title_that_cannot_be_decrypted_is_asked_for_again(scene: Scene) -> None:
    scene.webex.rename_as(scene.person("Grace").id, scene.place.conversation, "x")
    (reference,) = scene.told()
    unreadable = json.dumps({"title": "eyJhbGciOi", "errors": {"title": {"code": "kms_failure"}}}).encode()
    with pytest.raises(ConnectorError, match="cannot read the title"):
        drive_blocking(scene.speaker.fetch(reference), lambda _: Response(200, unreadable), scene.speaker.credentials)


def test_who_has_left_sees_nothing_any_more(scene: Scene) -> None:
    user = scene.speaker.credentials.account
    scene.webex.leave_as(user, scene.place.conversation)
    assert scene.hooks == []
    with pytest.raises(Gone):
        scene.post("x")


def test_everybody_in_a_space_is_listed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.webex.leave_as(scene.person("Grace").id, scene.place.conversation)
    monkeypatch.setattr("connectors.webex.directory.MEMBERS", 1)
    found = scene.run(scene.speaker.members(scene.place.conversation))
    assert set(found) == {*scene.speaker.own_accounts, scene.person("Elif").id, scene.person("Farid").id}
    assert len(scene.sent) == 3


# --- Commands


@pytest.mark.parametrize(("typed", "words"), [("@Message help", "help"), ("@Message", ""), ("@Message  **list** members", "list members"), ("@Message create\n- a", "create\n• a")])  # fmt: skip  # noqa: E501
def test_who_calls_us_first_asks_us_for_something(scene: Scene, typed: str, words: str) -> None:
    farid = scene.person("Farid")
    scene.webex.type_as(farid.id, scene.place.conversation, typed)
    assert scene.heard() == Commanded(ids.account(farid.id), words)


@pytest.mark.parametrize("typed", ["Dear @Message help", "> @Message help", "@Grace Liu help", "Message help"])
def test_naming_us_elsewhere_is_no_command(scene: Scene, typed: str) -> None:
    scene.webex.type_as(scene.person("Farid").id, scene.place.conversation, typed)
    assert isinstance(scene.heard(), Posted)


def test_a_command_that_is_changed_is_not_asked_again(scene: Scene) -> None:
    farid = scene.person("Farid")
    typed = scene.webex.type_as(farid.id, scene.place.conversation, "@Message helo")
    scene.hooks.clear()
    scene.webex.edit_as(farid.id, scene.place.conversation, typed, "@Message help")
    assert scene.heard() == Skipped("command")


def test_we_do_not_command_ourselves(scene: Scene) -> None:
    own = scene.speaker.credentials.account
    body = document([Paragraph((Mention("Message", own), Text(" help")))])
    scene.run(scene.speaker.post(scene.speaker.render(Draft(scene.place.conversation, body, "n"))))
    assert isinstance(scene.heard(), Posted)


def test_an_answer_is_for_the_asker_alone(scene: Scene) -> None:
    farid = scene.person("Farid")
    body = document([Paragraph((Text(f"line {number} of many"),)) for number in range(600)])
    scene.run(scene.speaker.answer(Commanded(farid.id, "help"), scene.place.conversation, body))  # type: ignore[arg-type]
    assert [told.only_for for told in scene.webex.whispers(scene.place.conversation)] == [farid.id] * 2
    assert scene.shown() == []
    assert {reference.kind for reference in scene.told()} == {Kind.OTHER}
    assert all(not call.repeatable and call.scopes == ("spark:messages_write",) for call in scene.sent)
    assert len(scene.webex.places()) == 2


# --- What is told twice


ORGANIZATION = ids.encode("ORGANIZATION", "99999999-2222-4333-8444-555555555555")


def told(resource: str, event: str, **data: Any) -> str:
    """The event id of a genuine webhook."""
    concerned = {"id": "Y2lz", "roomId": "Y2lz", "personId": "Y2lz"} | data
    body = json.dumps({"resource": resource, "event": event, "orgId": ORGANIZATION, "data": concerned}).encode()
    headers = {"x-spark-signature": hmac.digest(b"hub-secret-1", body, "sha1").hex()}
    (received,) = Webex.receive(Request("POST", "", headers, {}, body), SECRETS)  # type: ignore[misc]
    return received.event_id


def at(monkeypatch: pytest.MonkeyPatch, second: float) -> None:
    monkeypatch.setattr("connectors.webex.webhook.time.time", lambda: second)


@pytest.mark.parametrize("resource", ["messages", "rooms"])
def test_changes_that_tell_no_time_are_events_of_their_own(resource: str, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, 100.1)
    first = told(resource, "updated")
    at(monkeypatch, 100.2)
    assert told(resource, "updated") != first


def test_a_change_that_tells_its_time_is_known_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, 100.0)
    first = told("messages", "updated", updated="2026-03-02T10:16:00.000Z")
    at(monkeypatch, 200.0)
    assert told("messages", "updated", updated="2026-03-02T10:16:00.000Z") == first
    assert told("messages", "updated", updated="2026-03-02T10:17:00.000Z") != first


def test_what_happens_between_two_people_is_of_no_interest(scene: Scene) -> None:
    farid, grace = scene.person("Farid"), scene.person("Grace")
    scene.webex.write_as(farid.id, grace.id, "psst")
    assert scene.hooks == []
