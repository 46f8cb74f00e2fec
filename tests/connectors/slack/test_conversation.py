"""Files, edits, deletions, reactions, threads, notices and commands, between the Hub's connector and the fake workspace."""

import json
from dataclasses import replace
from functools import partial
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from connectors.calls import Call, Response
from connectors.contract import Request
from connectors.errors import ConnectorError, Gone, NotSupported, Reconnect, Refused, Unavailable, Unsure
from connectors.http import Outgoing, prepare
from connectors.messages import (
    AccountId,
    Attachment,
    Button,
    Byline,
    Commanded,
    ConversationId,
    Deleted,
    Draft,
    Edited,
    Event,
    Happening,
    Kind,
    MessageId,
    Noticed,
    Posted,
    Reacted,
    Reaction,
    Reference,
    Skipped,
    Stands,
    Unreacted,
)
from connectors.richtext import Document, Paragraph, Table, Text, plain
from connectors.slack.names import legal_name
from connectors.slack.render import with_buttons
from connectors.slack.transfer import PAUSES, judge_download
from connectors.slack.web import judge, telling
from tests.connectors import given
from tests.connectors.slack.test_client import HELLO, SINCE, Company

NOTHING = Document(())
ANN_BY_TEAMS = Byline("Ann Moreau", "Teams")


@pytest.fixture
def company() -> Company:
    return Company()


def words(text: str) -> Document:
    return Document((Paragraph((Text(text),)),))


def events(company: Company) -> list[Event]:
    """Everything the workspace told of conversations since the last look."""
    told = company.told()
    company.webhooks.clear()
    return [company.slack.parse(e.content, e.reference) for e in told if e.content is not None]


def fetched(company: Company, kind: Kind, message: MessageId) -> Event:
    reference = Reference(kind, company.general, message)
    return company.slack.parse(company.run(company.slack.fetch(reference)), reference)


# --- Edits


def test_an_edit_in_the_client_is_heard_as_one(company: Company) -> None:
    ts = company.fake.type_as(company.ann.id, company.general, "old")
    company.fake.edit_as(company.ann.id, company.general, ts, "new **text**")
    company.fake.edit_as(company.ann.id, company.general, ts, "newest")
    _, first, second = events(company)
    assert isinstance(first, Edited)
    assert isinstance(second, Edited)
    assert (plain(first.message.body), plain(second.message.body), second.message.id) == ("new text", "newest", ts)
    assert first.message.edited_at is not None
    assert second.message.edited_at is not None
    assert first.message.edited_at < second.message.edited_at
    assert company.fake.shown(company.general)[0].edited


def test_a_preview_of_a_link_is_no_edit(company: Company) -> None:
    ts = company.fake.type_as(company.ann.id, company.general, "https://example.com")
    company.fake.unfurl(company.general, ts)
    assert len(company.told()) == 2
    [posted] = events(company)
    assert isinstance(posted, Posted)


def test_our_own_message_is_edited(company: Company) -> None:
    ts = company.run(company.slack.post(company.rendered()))
    for _ in range(2):
        company.run(company.slack.edit(ts, company.rendered(words("better"))))
    _, *edits = events(company)
    assert [isinstance(e, Edited) and plain(e.message.body) for e in edits] == ["better", "better"]
    assert company.run(company.slack.find(company.rendered(nonce="n1"), SINCE)) == [ts], "it keeps its nonce"


def test_an_edit_that_loses_the_borrowed_name_says_it_in_the_text(company: Company) -> None:
    ts = company.run(company.slack.post(company.rendered(byline=ANN_BY_TEAMS)))
    better = company.rendered(words("better"), byline=ANN_BY_TEAMS)
    company.run(company.slack.edit(ts, better))
    [shown] = company.fake.shown(company.general)
    assert (shown.author, shown.is_app) == ("Mio", True)
    assert "<strong>Ann Moreau (Teams):</strong><br>better" in shown.html
    company.run(company.slack.edit(ts, better))
    assert company.fake.shown(company.general)[0].html == shown.html


def test_an_edit_that_keeps_the_borrowed_name_is_one_call(company: Company) -> None:
    company.fake.workspace.keeps_names = True
    ts = company.run(company.slack.post(company.rendered(byline=ANN_BY_TEAMS)))
    company.webhooks.clear()
    company.run(company.slack.edit(ts, company.rendered(words("better"), byline=ANN_BY_TEAMS)))
    [shown] = company.fake.shown(company.general)
    assert (shown.author, len(company.webhooks)) == ("Ann Moreau (Teams)", 1)
    assert "Ann" not in shown.html


def test_somebody_else_s_message_cannot_be_edited_or_deleted(company: Company) -> None:
    ts = company.fake.type_as(company.ann.id, company.general, "mine")
    with pytest.raises(Refused, match="author"):
        company.run(company.slack.edit(ts, company.rendered()))
    with pytest.raises(Refused, match="delete"):
        company.run(company.slack.delete(company.general, ts))


# --- Deletions


def test_a_deletion_in_the_client_is_heard(company: Company) -> None:
    ts = company.fake.type_as(company.ann.id, company.general, "oops")
    company.fake.delete_as(company.ann.id, company.general, ts)
    assert events(company)[1] == Deleted(ts)
    with pytest.raises(Gone):
        fetched(company, Kind.POSTED, ts)


def test_a_deleted_root_of_a_thread_is_a_deletion_too(company: Company) -> None:
    root = company.fake.type_as(company.ann.id, company.general, "tea?")
    company.fake.reply_as(company.bob.id, company.general, root, "yes")
    company.fake.delete_as(company.ann.id, company.general, root)
    assert events(company)[-1] == Deleted(root)
    with pytest.raises(Gone):
        fetched(company, Kind.CHANGED, root)


def test_our_own_message_is_deleted_once(company: Company) -> None:
    ts = company.run(company.slack.post(company.rendered()))
    for _ in range(2):
        company.run(company.slack.delete(company.general, ts))
    assert company.fake.shown(company.general) == []
    assert events(company)[-1] == Deleted(ts)


def test_files_of_ours_go_with_their_message(company: Company) -> None:
    ts = uploaded(company, b"x")
    company.run(company.slack.delete(company.general, ts))
    assert company.fake.files(company.general) == []
    assert not company.fake.workspace.files


def test_without_a_scope_to_look_for_files_a_message_is_still_deleted(company: Company) -> None:
    ts = company.run(company.slack.post(company.rendered()))
    bot_scopes(company).discard("reactions:read")
    company.run(company.slack.delete(company.general, ts))
    assert company.fake.shown(company.general) == []


def bot_scopes(company: Company) -> set[str]:
    return company.fake.workspace.callers[company.fake.credentials().tokens["bot"]].scopes


# --- Reactions


@pytest.mark.parametrize("emoji", ["👍", "👋🏼", "👍🏿", ":party_parrot:"])
def test_reactions_come_and_go(company: Company, emoji: str) -> None:
    ts = company.fake.type_as(company.ann.id, company.general, "hi")
    company.fake.react_as(company.bob.id, company.general, ts, emoji, on=True)
    company.fake.react_as(company.bob.id, company.general, ts, emoji, on=False)
    reaction = Reaction(AccountId(company.bob.id), emoji)
    assert events(company)[1:] == [Reacted(ts, reaction), Unreacted(ts, reaction)]


def test_our_reaction_is_put_once_and_taken_back_once(company: Company) -> None:
    ts = company.fake.type_as(company.ann.id, company.general, "hi")
    company.webhooks.clear()
    for on in (True, True, False, False):
        company.run(company.slack.react(company.general, ts, "👍🏽", on))
        assert company.fake.shown(company.general)[0].reactions == ((("👍🏽", ("Mio",)),) if on else ())
    ours = Reaction(company.slack.credentials.account, "👍🏽")
    assert events(company) == [Reacted(ts, ours), Unreacted(ts, ours)]


@pytest.mark.parametrize("emoji", [":nobody_has_this:", "x", "👍👍"])
def test_an_emoji_that_slack_does_not_have_is_not_supported(company: Company, emoji: str) -> None:
    ts = company.fake.type_as(company.ann.id, company.general, "hi")
    with pytest.raises(NotSupported):
        company.run(company.slack.react(company.general, ts, emoji, True))


def test_a_reaction_to_nothing_is_gone_and_its_end_is_no_news(company: Company) -> None:
    with pytest.raises(Gone):
        company.run(company.slack.react(company.general, MessageId("1.000000"), "👍", True))
    company.run(company.slack.react(company.general, MessageId("1.000000"), "👍", False))


def test_a_message_stands_with_all_who_reacted(company: Company) -> None:
    ts = company.fake.type_as(company.ann.id, company.general, "hi")
    company.fake.edit_as(company.ann.id, company.general, ts, "hello")
    for person in company.fake.people():
        company.fake.react_as(person.id, company.general, ts, "🎉")
    event = fetched(company, Kind.REACTED, ts)
    assert isinstance(event, Stands)
    assert event.reactions == {Reaction(AccountId(person.id), "🎉") for person in company.fake.people()}
    assert event.message.edited_at is not None
    everybody = tuple(person.name for person in company.fake.people())
    assert company.fake.shown(company.general)[0].reactions == (("🎉", everybody),)


# --- Threads


def test_a_reply_is_heard_and_said_in_its_thread(company: Company) -> None:
    root = company.fake.type_as(company.ann.id, company.general, "tea?")
    reply = company.fake.reply_as(company.bob.id, company.general, root, "yes")
    ours = company.run(company.slack.post(company.slack.render(Draft(company.general, HELLO, "n9", thread=root))))
    assert [e.message.thread for e in events(company) if isinstance(e, Posted)] == [None, root, root]
    assert [shown.thread for shown in company.fake.shown(company.general)] == [None, root, root]
    assert [shown.id for shown in company.fake.shown(company.general)] == [root, reply, ours]


def test_a_reply_that_is_also_shown_in_the_channel_crosses_once_as_the_reply(company: Company) -> None:
    root = company.fake.type_as(company.ann.id, company.general, "tea?")
    where = {"channel": company.general, "thread_ts": root, "reply_broadcast": True}
    company.as_person(company.bob.token, "chat.postMessage", text="yes", **where)
    _, reply = events(company)
    assert isinstance(reply, Posted)
    assert reply.message.thread == root


def test_a_lost_reply_is_found_in_its_thread(company: Company) -> None:
    root = company.fake.type_as(company.ann.id, company.general, "tea?")
    rendered = company.slack.render(Draft(company.general, HELLO, "n9", thread=root))
    ts = company.run(company.slack.post(rendered))
    assert company.run(company.slack.find(rendered, SINCE)) == [ts]
    assert company.run(company.slack.find(replace(rendered, nonce="n8"), SINCE)) == []


def test_a_lost_reply_whose_root_was_just_deleted_is_found_beside_it(company: Company) -> None:
    root = company.fake.type_as(company.ann.id, company.general, "tea?")
    company.fake.delete_as(company.ann.id, company.general, root)
    rendered = company.slack.render(Draft(company.general, HELLO, "n9", thread=root))
    ts = company.run(company.slack.post(rendered))
    assert company.run(company.slack.find(rendered, SINCE)) == [ts]
    assert company.run(company.slack.find(replace(rendered, nonce="n8"), SINCE)) == []


# --- Files heard


def heard_file(company: Company, name: str = "plan.pdf", data: bytes = b"%PDF-1.7", text: str = "") -> Attachment:
    company.fake.share_as(company.ann.id, company.general, name, data, text)
    event = events(company)[-1]
    assert isinstance(event, Posted)
    [attachment] = event.message.attachments
    return attachment


def download(company: Company, call: Call, token: str = "") -> Response:
    token = token or company.slack.credentials.tokens["bot"]
    request = Request(call.method, call.url, {"authorization": f"Bearer {token}"}, {}, b"")
    response = company.fake.handle(request)
    call.judge(call, response)
    return response


def test_a_file_is_heard_and_read(company: Company) -> None:
    attachment = heard_file(company, text="see **this**")
    assert (attachment.name, attachment.content_type, attachment.size) == ("plan.pdf", "application/pdf", 8)
    assert attachment.link.startswith("https://acme.slack.com/files/")
    call = company.run(company.slack.open(attachment))
    assert (call.token, call.url.startswith("https://files.slack.com/")) == ("bot", True)
    assert download(company, call).body == b"%PDF-1.7"
    assert company.fake.shown(company.general)[0].files == ("plan.pdf",)


def test_a_file_that_is_only_named_is_looked_up(company: Company) -> None:
    heard_file(company)
    [file_id] = company.fake.workspace.files
    call = company.run(company.slack.open(Attachment("plan.pdf", "application/octet-stream", file_id)))
    assert download(company, call).body == b"%PDF-1.7"


def test_a_login_page_is_not_the_file(company: Company) -> None:
    attachment = heard_file(company)
    bot_scopes(company).discard("files:read")
    with pytest.raises(Refused):
        download(company, company.run(company.slack.open(attachment)))


def test_a_page_that_is_the_file_is_read(company: Company) -> None:
    attachment = heard_file(company, "page.html", b"<p>hello</p>")
    assert download(company, company.run(company.slack.open(attachment))).body == b"<p>hello</p>"


@pytest.mark.parametrize(
    ("status", "headers", "error"),
    [
        (302, {"location": "https://acme.slack.com/?redir=x"}, Refused),
        (200, {"content-type": "text/html; charset=utf-8"}, Unavailable),
        (200, {"content-type": "text/html", "x-slack-meta": "?;acl_fail"}, Refused),
        (200, {"content-type": "application/pdf", "content-length": "7"}, Unavailable),
        (404, {}, Gone),
        (500, {}, Unavailable),
        (401, {}, Reconnect),
    ],
)
def test_what_is_not_the_file_is_told_by_its_head(
    status: int, headers: dict[str, str], error: type[ConnectorError]
) -> None:
    with pytest.raises(error):
        judge_download(Call("GET", "https://files.slack.com/x"), Response(status, b"", headers), page=False, size=8)


@pytest.mark.parametrize("headers", [{"content-length": "8"}, {"content-length": "5", "content-encoding": "gzip"}, {}])
def test_a_whole_file_is_taken(headers: dict[str, str]) -> None:
    judge_download(Call("GET", "https://files.slack.com/x"), Response(200, b"", headers), page=False, size=8)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/files.slack.com/x",
        "http://files.slack.com/x",
        "https://files.slack.com@evil.example/x",
        "https://files.slack.com:444/x",
        "https://files.slack.com.evil.example/x",
        "https://169.254.169.254/",
        "file:///etc/passwd",
        "https://[",
        "../x",
    ],
)
def test_no_other_host_is_ever_asked_for_a_file(company: Company, url: str) -> None:
    file = {"id": "F0EVIL0001", "name": "x", "mode": "hosted", "url_private_download": url, "url_private": url}
    message = {"type": "message", "user": company.ann.id, "ts": "1.000001", "text": "", "files": [file]}
    event = company.slack.parse(message, Reference(Kind.POSTED, company.general, MessageId("1.000001")))
    assert isinstance(event, Posted)
    assert event.message.attachments[0].handle == "F0EVIL0001"
    with pytest.raises(Refused):
        company.run(company.slack.open(Attachment("x", "text/plain", url)))
    answer = json.dumps({"ok": True, "file": file}).encode()
    with pytest.raises(Refused):
        company.run(company.slack.open(event.message.attachments[0]), lambda outgoing: Response(200, answer))


# --- Files said


def uploaded(company: Company, data: bytes, body: Document = NOTHING, **more: Any) -> MessageId:
    """What a driver does with ``upload``, which sends the bytes with the one call that asks for them."""
    attachment = Attachment("a <b>.png", "image/png", "elsewhere", len(data))
    draft = Draft(company.general, body, "n1", **more)
    sent: list[Call] = []

    def carried(outgoing: Outgoing) -> Response:
        assert outgoing.file is None or "Authorization" not in outgoing.headers
        return company.transport(outgoing)

    def watched() -> Any:
        calls = company.slack.upload(attachment, draft)
        call = next(calls)
        while True:
            sent.append(call)
            try:
                answer = yield call
            except ConnectorError as error:
                call = calls.throw(error)
                continue
            try:
                call = calls.send(answer)
            except StopIteration as end:
                assert [call.upload.size for call in sent if call.upload] == [len(data)]
                return end.value

    return given.uploaded(watched(), carried, company.slack.credentials, data)


def test_a_file_is_said_with_name_words_and_thread(company: Company) -> None:
    root = company.fake.type_as(company.ann.id, company.general, "tea?")
    ts = uploaded(company, b"\x89PNG", words("look <!here>"), byline=ANN_BY_TEAMS, thread=root)
    shown = company.fake.shown(company.general)[1]
    assert (shown.id, shown.author, shown.thread, shown.is_app) == (ts, "Ann Moreau (Teams)", root, True)
    assert "look &lt;!here&gt;" in shown.html
    assert shown.files == ("a <b>.png",)
    assert company.fake.files(company.general) == [("a <b>.png", b"\x89PNG")]
    echo = events(company)[-1]
    assert isinstance(echo, Posted)
    assert echo.message.author in company.slack.own_accounts


def test_a_file_without_words_is_only_the_file(company: Company) -> None:
    uploaded(company, b"x")
    assert "blocks" in company.fake.workspace.channels[company.general].messages[0]
    shown = company.fake.shown(company.general)[0]
    assert (shown.html, shown.files) == ("", ("a <b>.png",))


def test_an_empty_file_is_refused(company: Company) -> None:
    with pytest.raises(Refused):
        uploaded(company, b"")


def replied(company: Company, method: str, answer: Any, outgoing: Outgoing) -> Response:
    if outgoing.url.endswith(method):
        return answer if isinstance(answer, Response) else Response(200, json.dumps(answer).encode())
    return company.transport(outgoing)


def test_a_place_for_the_file_elsewhere_is_not_trusted(company: Company) -> None:
    answer = {"ok": True, "upload_url": "https://evil.example/upload", "file_id": "F0X"}
    transport = partial(replied, company, "files.getUploadURLExternal", answer)
    draft = Draft(company.general, words("x"), "n1")
    with pytest.raises(Refused):
        company.run(company.slack.upload(Attachment("a", "image/png", "", 1), draft), transport)


def test_a_file_that_is_never_shown_leaves_us_unsure(company: Company) -> None:
    calls = company.slack.upload(Attachment("a", "image/png", "", 1), Draft(company.general, words("x"), "n1"))
    place = {"ok": True, "upload_url": "https://files.slack.com/upload/v1/x", "file_id": "F0X", "file": {"shares": {}}}
    answer = Response(200, json.dumps(place).encode())
    asked = [next(calls), *(calls.send(answer) for _ in range(2 + len(PAUSES)))]
    assert [call.after for call in asked if call.after] == list(PAUSES)
    with pytest.raises(Unsure):
        calls.send(answer)


def test_a_lost_answer_is_found_out_by_looking_at_the_file(company: Company) -> None:
    calls = company.slack.upload(Attachment("a", "image/png", "", 1), Draft(company.general, words("x"), "n1"))
    next(calls)
    place = {"ok": True, "upload_url": "https://files.slack.com/upload/v1/x", "file_id": "F0X"}
    calls.send(Response(200, json.dumps(place).encode()))
    complete = calls.send(Response(200, b"OK - 1"))
    assert (complete.url, complete.repeatable) == ("https://slack.com/api/files.completeUploadExternal", False)
    look = calls.throw(Unsure("lost"))
    assert look.form == {"file": "F0X"}
    shared = {"ok": True, "file": {"shares": {"private": {company.general: [{"ts": "1.000001"}]}}}}
    with pytest.raises(StopIteration) as end:
        calls.send(Response(200, json.dumps(shared).encode()))
    assert end.value.value == "1.000001"


# --- Members


def test_everybody_in_a_channel_is_listed_page_by_page(company: Company) -> None:
    people = [person.id for person in company.fake.people()]
    ours = company.fake.workspace.bot_user
    company.fake.leave_as(company.bob.id, company.general)

    def short(outgoing: Outgoing) -> Response:
        return company.transport(replace(outgoing, body=(outgoing.body or b"").replace(b"limit=200", b"limit=1")))

    assert company.run(company.slack.members(company.general), short) == [people[0], people[2], ours]
    with pytest.raises(Gone):
        company.run(company.slack.members(ConversationId("C0NOWHERE1")))


# --- Notices


def test_what_happens_to_a_channel_is_noticed_once(company: Company) -> None:
    bob, general = company.bob.id, company.general
    company.fake.leave_as(bob, general)
    company.fake.join_as(bob, general)
    company.fake.rename_as(bob, general, "lounge")
    company.fake.topic_as(bob, general, "tea & cake")
    company.fake.archive_as(bob, general)
    company.fake.archive_as(bob, general, archived=False)
    assert events(company) == [
        Noticed(Happening.LEFT, (AccountId(bob),)),
        Noticed(Happening.JOINED, (AccountId(bob),)),
        Noticed(Happening.RENAMED, (), "lounge", AccountId(bob)),
        Noticed(Happening.TOPIC, (), "tea & cake", AccountId(bob)),
        Noticed(Happening.ARCHIVED, by=AccountId(bob)),
        Noticed(Happening.UNARCHIVED, by=AccountId(bob)),
    ]


def test_a_private_channel_tells_who_brought_it_back_by_another_name(company: Company) -> None:
    back = {"type": "group_unarchive", "channel": company.general, "actor_id": "U0BOB00001"}
    notice = Reference(Kind.NOTICE, company.general, MessageId(""))
    assert company.slack.parse(back, notice) == Noticed(Happening.UNARCHIVED, by=AccountId("U0BOB00001"))
    assert company.slack.parse({"type": "message", "subtype": "channel_name"}, notice) == Skipped("unreadable")


# --- Names and topics


def test_a_channel_is_renamed_and_the_echo_tells_that_it_was_us(company: Company) -> None:
    assert company.run(company.slack.rename(company.general, "Town Square!")) == "town-square"
    assert company.fake.places()[0].name == "town-square"
    own = company.slack.credentials.account
    assert events(company) == [Noticed(Happening.RENAMED, text="town-square", by=own)]
    assert company.run(company.slack.rename(company.general, "town-square")) == "town-square", "twice does no harm"


def test_slack_has_the_last_word_on_a_name(company: Company) -> None:
    answer = {"ok": True, "channel": {"name": "town-square-1"}}
    transport = partial(replied, company, "conversations.rename", answer)
    assert company.run(company.slack.rename(company.general, "Town Square"), transport) == "town-square-1"


def test_a_name_that_is_taken_or_not_ours_to_give_is_refused(company: Company) -> None:
    with pytest.raises(Refused, match="another channel"):
        company.run(company.slack.rename(company.general, "Coffee"))
    company.fake.workspace.channels[company.general].creator = company.bob.id
    with pytest.raises(Refused, match="only who made"):
        company.run(company.slack.rename(company.general, "lounge"))
    company.fake.workspace.callers[company.fake.workspace.bot_token].scopes.remove("channels:manage")
    with pytest.raises(Reconnect, match="channels:manage"):
        company.run(company.slack.rename(company.general, "lounge"))


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("", "invalid_name_required"),
        ("x" * 81, "invalid_name_maxlength"),
        ("Lounge", "invalid_name_specials"),
        ("tea time", "invalid_name_specials"),
        ("-_-", "invalid_name_punctuation"),
    ],
)
def test_an_illegal_name_is_refused_as_slack_does(company: Company, name: str, error: str) -> None:
    call = telling("conversations.rename", {"channel": company.general, "name": name})
    response = company.transport(prepare(call, company.slack.credentials))
    assert response.json() == {"ok": False, "error": error}
    with pytest.raises(Refused, match=error):
        judge(call, response)


@pytest.mark.parametrize(
    ("name", "legal"),
    [
        ("general", "general"),
        ("a--b_", "a--b_"),
        ("Q&A / Größe", "q-a-größe"),
        ("Ｆｕｌｌ Ｗｉｄｔｈ", "full-width"),
        ("हिन्दी में", "हिन्दी-में"),
        ("ที่ นี่", "ที่-นี่"),
        ("🎉", "channel"),
        ("", "channel"),
        ("ab " * 40, ("ab-" * 27)[:80].strip("-")),
    ],
)
def test_a_name_is_made_legal(name: str, legal: str) -> None:
    assert legal_name(name) == legal


@hypothesis.given(st.text(max_size=120))
def test_every_name_becomes_legal_once_and_for_all(name: str) -> None:
    legal = legal_name(name)
    assert legal_name(legal) == legal
    company = Company()
    assert company.run(company.slack.rename(company.general, name)) == legal


def test_a_topic_is_set_and_calls_nobody(company: Company) -> None:
    company.run(company.slack.set_topic(company.general, "tea & <!channel>\ncake"))
    assert company.fake.workspace.channels[company.general].topic == "tea &amp; &lt;!channel&gt; cake"
    own = company.slack.credentials.account
    assert events(company) == [Noticed(Happening.TOPIC, text="tea & <!channel> cake", by=own)]
    company.run(company.slack.set_topic(company.general, "&" * 300))
    assert company.fake.workspace.channels[company.general].topic == "&amp;" * 49 + "…"
    company.run(company.slack.set_topic(company.general, ""))
    assert company.fake.workspace.channels[company.general].topic == ""


def test_an_archived_channel_takes_neither_name_nor_topic(company: Company) -> None:
    company.fake.archive_as(company.bob.id, company.general)
    for calls in (company.slack.rename(company.general, "x"), company.slack.set_topic(company.general, "x")):
        with pytest.raises(Gone, match="archived"):
            company.run(calls)
    long = telling("conversations.setTopic", {"channel": company.fake.places()[1].id, "topic": "x" * 251})
    with pytest.raises(Refused, match="too long"):
        judge(long, company.transport(prepare(long, company.slack.credentials)))


# --- What edits, deletions and reactions run into


def test_a_message_is_removed_even_where_we_may_not_look_at_it_first(company: Company) -> None:
    ts = company.run(company.slack.post(company.rendered()))
    transport = partial(replied, company, "reactions.get", {"ok": False, "error": "no_permission"})
    company.run(company.slack.delete(company.general, ts), transport)
    assert company.fake.shown(company.general) == []


def test_an_edit_after_the_workspace_s_window_is_refused(company: Company) -> None:
    ts = company.run(company.slack.post(company.rendered()))
    company.fake.workspace.edit_seconds = -1.0
    with pytest.raises(Refused, match="no longer lets"):
        company.run(company.slack.edit(ts, company.rendered(words("late"))))


def test_one_account_puts_only_so_many_emoji_on_a_message(company: Company) -> None:
    ts = company.fake.type_as(company.ann.id, company.general, "vote!")
    faces = [chr(code) for code in range(0x1F600, 0x1F600 + 24)]
    for face in faces[:23]:
        company.run(company.slack.react(company.general, ts, face, on=True))
    with pytest.raises(Refused, match="as many emoji"):
        company.run(company.slack.react(company.general, ts, faces[23], on=True))
    company.run(company.slack.react(company.general, ts, faces[0], on=True))
    company.run(company.slack.react(company.general, ts, faces[0], on=False))
    company.run(company.slack.react(company.general, ts, faces[23], on=True))


@pytest.mark.parametrize(
    ("method", "error", "raised"),
    [
        ("chat.update", "update_failed", Unavailable),
        ("chat.update", "external_channel_migrating", Unavailable),
        ("chat.update", "is_inactive", Refused),
        ("chat.update", "invalid_name", Refused),
        ("reactions.add", "invalid_name", NotSupported),
        ("reactions.add", "not_reactable", Refused),
        ("conversations.rename", "invalid_name", Refused),
    ],
)
def test_an_error_says_what_to_do_about_it(method: str, error: str, raised: type[Exception]) -> None:
    answer = Response(200, json.dumps({"ok": False, "error": error}).encode())
    with pytest.raises(raised):
        judge(telling(method, {}), answer)


def test_what_slack_tells_only_once_cannot_be_fetched(company: Company) -> None:
    with pytest.raises(Gone):
        company.run(company.slack.fetch(Reference(Kind.NOTICE, company.general, MessageId(""))))


# --- Commands


def commanded(company: Company) -> Commanded:
    found = events(company)
    assert all(event == found[0] for event in found)
    assert isinstance(found[0], Commanded)
    return found[0]


def whispers(company: Company) -> list[tuple[str, str]]:
    return [(told.only_for, told.html) for told in company.fake.whispers(company.general)]


def test_a_slash_command_is_answered_for_the_asker_alone(company: Company) -> None:
    company.fake.command_as(company.ann.id, company.general, "members please")
    command = commanded(company)
    assert (command.account, command.words) == (company.ann.id, "members please")
    company.run(company.slack.answer(command, company.general, words("just you & me")))
    assert whispers(company) == [(company.ann.id, "<p>just you &amp; me</p>")]
    assert company.fake.shown(company.general) == []
    assert events(company) == []


def test_a_mention_is_answered_for_the_asker_alone(company: Company) -> None:
    root = company.fake.type_as(company.ann.id, company.general, "tea?")
    company.webhooks.clear()
    company.fake.reply_as(company.ann.id, company.general, root, "@Mio help **me**")
    command = commanded(company)
    assert (command.words, command.handle) == ("help *me*".replace("*", ""), root)
    company.run(company.slack.answer(command, company.general, words("like this")))
    assert whispers(company) == [(company.ann.id, "<p>like this</p>")]


def test_an_answer_that_comes_too_late_is_whispered(company: Company) -> None:
    company.fake.command_as(company.ann.id, company.general, "help")
    command = commanded(company)
    company.fake.workspace.answers.clear()
    company.run(company.slack.answer(command, company.general, words("sorry")))
    assert whispers(company) == [(company.ann.id, "<p>sorry</p>")]


def test_a_long_answer_comes_in_parts(company: Company) -> None:
    company.fake.command_as(company.ann.id, company.general, "members")
    company.run(company.slack.answer(commanded(company), company.general, words("Ann Moreau " * 900)))
    assert len(company.fake.whispers(company.general)) == 3


BUTTONS = (Button("Open <Mio>", "https://hub.example.com/a?b=1&c=2"), Button("Stop\nit", "https://hub.example.com/s"))
LINKS = (
    'href="https://hub.example.com/a?b=1&amp;c=2" rel="noopener noreferrer">[Open &lt;Mio&gt;]</a>',
    'href="https://hub.example.com/s" rel="noopener noreferrer">[Stop it]</a>',
)


@pytest.mark.parametrize("in_time", [True, False])
def test_buttons_stand_below_an_answer_and_open_their_address(company: Company, in_time: bool) -> None:
    company.fake.command_as(company.ann.id, company.general, "help")
    command = commanded(company)
    company.fake.workspace.answers = company.fake.workspace.answers if in_time else {}
    company.run(company.slack.answer(command, company.general, words("Hello"), BUTTONS))
    [(_, html)] = whispers(company)
    assert html.startswith("<p>Hello</p>")
    assert all(link in html for link in LINKS)
    [(_, _, told)] = company.fake.workspace.whispers
    assert told["text"] == (
        "Hello\nOpen &lt;Mio&gt;: https://hub.example.com/a?b=1&amp;c=2\nStop it: https://hub.example.com/s"
    )
    assert [element["type"] for element in told["blocks"][-1]["elements"]] == ["button", "button"]


@pytest.mark.parametrize("length", range(3_700, 3_901, 25))
def test_buttons_belong_to_the_last_part_however_full_it_is(company: Company, length: int) -> None:
    company.fake.command_as(company.ann.id, company.general, "help")
    body = words("x" * 3_900 + "y" * length)
    buttons = (*BUTTONS, Button("More", "https://hub.example.com/" + "z" * 60))
    company.run(company.slack.answer(commanded(company), company.general, body, buttons))
    *others, last = (html for _, html in whispers(company))
    assert len(others) in (1, 2)
    assert all(link in last for link in LINKS)
    assert not any("href" in other for other in others)
    assert max(len(told["text"]) for _, _, told in company.fake.workspace.whispers) <= 4_000


def test_buttons_stand_above_a_table_which_slack_shows_last(company: Company) -> None:
    table = Table((((Text("Name"),), (Text("Platform"),)), ((Text("Ann"),), (Text("Slack"),))))
    [part] = with_buttons(company.slack.parts(Draft(company.general, Document((table,)), "n")), BUTTONS)
    assert [block["type"] for block in part.payload["blocks"]] == ["actions", "table"]


def test_the_welcome_has_buttons_too(company: Company) -> None:
    company.run(company.slack.greet(AccountId(company.ann.id), words("Welcome"), BUTTONS))
    [shown] = company.fake.shown(company.fake.chat_with(company.ann.id))
    assert all(link in shown.html for link in LINKS)


@pytest.mark.parametrize(
    "typed", ["invite eve@globex.example", "@Mio invite eve@globex.example", "invite  eve@globex.example "]
)
def test_in_a_direct_message_everything_is_asked_of_our_app(company: Company, typed: str) -> None:
    chat = company.fake.chat_with(company.ann.id)
    company.fake.type_as(company.ann.id, chat, typed)
    [heard] = company.told()
    assert (heard.reference.kind, heard.reference.conversation) == (Kind.COMMAND, chat)
    command = commanded(company)
    assert (command.account, command.words.split()) == (company.ann.id, ["invite", "eve@globex.example"])
    said = company.run(company.slack.answer(command, chat, words("Done"), BUTTONS))
    answered = company.fake.shown(chat)[-1]
    assert ([answered.id], answered.is_app, "Done" in answered.html) == (said, True, True)
    assert not any(isinstance(event, Commanded) for event in events(company)), "what our app says is no command"


def test_a_command_is_heard_where_our_app_is_alone_with_people_and_by_slash_where_it_is_not(company: Company) -> None:
    place = company.fake.add_place("not-linked").conversation
    company.fake.type_as(company.ann.id, place, "@Mio help")
    assert commanded(company).words == "help"
    company.fake.leave_as(company.slack.credentials.account, place)
    company.webhooks.clear()
    company.fake.type_as(company.ann.id, place, "@Mio help")
    assert company.webhooks == []
    company.fake.command_as(company.ann.id, place, "help")
    company.run(company.slack.answer(commanded(company), place, words("Here")))
    assert [told.html for told in company.fake.whispers(place)] == ["<p>Here</p>"]


def test_no_token_goes_along_with_an_answer(company: Company) -> None:
    command = Commanded(AccountId(company.ann.id), "help", "https://hooks.slack.com/commands/T/1/a")
    seen: list[Outgoing] = []
    company.run(company.slack.answer(command, company.general, words("x")), lambda o: seen.append(o) or Response(200))
    assert [(o.url, "Authorization" in o.headers) for o in seen] == [(command.handle, False)]


def test_an_answer_to_somebody_who_left_is_gone(company: Company) -> None:
    company.fake.leave_as(company.ann.id, company.general)
    with pytest.raises(Gone):
        company.run(company.slack.answer(Commanded(AccountId(company.ann.id), "x"), company.general, words("x")))
