"""Files in Teams: read from SharePoint and Graph, put into the channel's folder, and never fetched from anywhere else."""

import base64
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.calls import Call, Calls, Response, T
from connectors.contract import Request
from connectors.errors import Gone, Refused, Unavailable
from connectors.http import Outgoing, drive_blocking, prepare
from connectors.messages import Attachment, Byline, ConversationId, Draft, Kind, MessageId, Posted, Reference
from connectors.richtext import Link, Paragraph, Quote, Style, Text, document, plain
from connectors.teams import files, ids, sandbox_drive
from connectors.teams.connector import Teams
from connectors.teams.sandbox import FakeTeams
from connectors.teams.sandbox_drive import Drive
from tests.connectors.given import uploaded

SECRETS = Teams.Secrets(client_state_key="a key of ours")
ANN = "Ann Moreau"
START = datetime(2026, 1, 1, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n"


class Hub:
    """The fake with our connector on the other side of it."""

    def __init__(self) -> None:
        self.now = START.timestamp()
        self.fake = FakeTeams(SECRETS, "https://hub.example", lambda: self.now)
        self.teams = Teams(self.fake.credentials())
        self.general, self.coffee = (place.conversation for place in self.fake.places())

    def run(self, calls: Calls[T]) -> T:
        return drive_blocking(calls, self.answer, self.fake.credentials())

    def answer(self, outgoing: Outgoing) -> Response:
        url = urlsplit(outgoing.url)
        headers = {name.lower(): value for name, value in outgoing.headers.items()}
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        return self.fake.handle(Request(outgoing.method, outgoing.url, headers, query, outgoing.body or b""))

    def read(self, message: MessageId, conversation: ConversationId | None = None) -> Posted:
        reference = Reference(Kind.POSTED, conversation or self.general, message)
        event = self.teams.parse(self.run(self.teams.fetch(reference)), reference)
        assert isinstance(event, Posted)
        return event

    def attached(self, message: MessageId) -> Attachment:
        (attachment,) = self.read(message).message.attachments
        return attachment

    def downloaded(self, attachment: Attachment) -> bytes:
        call = self.run(self.teams.open(attachment))
        response = self.answer(prepare(call, self.fake.credentials()))
        assert response.status == 200, response
        return response.body

    def draft(self, text: str = "look", thread: MessageId | None = None) -> Draft:
        return Draft(self.general, document([Paragraph((Text(text),))]), "n1.0", Byline("Bob", "Slack"), thread)

    def uploaded(self, name: str, data: bytes, draft: Draft | None = None) -> MessageId:
        attachment = Attachment(name, "text/plain", "not ours", len(data))
        return uploaded(
            self.teams.upload(attachment, draft or self.draft()), self.answer, self.fake.credentials(), data
        )


@pytest.fixture
def hub() -> Hub:
    return Hub()


# Reading


@pytest.mark.parametrize("name", ["notes.txt", "plan.docx", "été 100% #1.pdf", "photo.png", "no suffix"])
def test_a_file_that_a_person_shares_is_read_whole(hub: Hub, name: str) -> None:
    message = hub.fake.share_as(ANN, hub.general, name, b"content", "see **this**")
    attachment = hub.attached(message)
    assert (attachment.name, attachment.size) == (name, None)
    assert attachment.link.startswith("https://acme.sharepoint.com/sites/Acme/")
    assert plain(hub.read(message).message.body) == "see this"
    assert hub.downloaded(attachment) == b"content"
    assert hub.fake.files(hub.general) == [(name, b"content")]
    assert hub.fake.shown(hub.general)[0].files == (name,)


def test_a_file_without_words_is_a_message(hub: Hub) -> None:
    event = hub.read(hub.fake.share_as(ANN, hub.general, "a.pdf", b"x"))
    assert event.message.body.blocks == ()
    assert event.message.attachments[0].content_type == "application/pdf"


def test_no_token_goes_to_the_host_of_a_download(hub: Hub) -> None:
    attachment = hub.attached(hub.fake.share_as(ANN, hub.general, "a.txt", b"x"))
    call = hub.run(hub.teams.open(attachment))
    assert (urlsplit(call.url).hostname, call.token, call.method) == ("acme.sharepoint.com", "", "GET")
    with_token = Outgoing("GET", call.url, {"Authorization": "Bearer x"}, None)
    assert hub.answer(with_token).status == 401
    hub.now += 3601
    assert hub.answer(prepare(call, None)).status == 401


def test_a_pasted_picture_is_read_with_our_token(hub: Hub) -> None:
    attachment = hub.attached(hub.fake.paste_as(ANN, hub.general, "image/png", PNG, "look:"))
    assert (attachment.name, attachment.content_type) == ("image.png", "image/png")
    call = hub.run(hub.teams.open(attachment))
    assert (urlsplit(call.url).hostname, call.token) == ("graph.microsoft.com", "app")
    assert hub.downloaded(attachment) == PNG
    assert hub.fake.files(hub.general) == [("image.png", PNG)]


def test_a_picture_in_a_reply_is_read_too(hub: Hub) -> None:
    root = hub.fake.type_as(ANN, hub.general, "root")
    picture = {"@microsoft.graph.temporaryId": "1", "contentType": "image/gif", "contentBytes": "R0lG"}
    content = '<p>x <img src="../hostedContents/1/$value" alt="wave.gif"></p>'
    sent = {"body": {"contentType": "html", "content": content}, "hostedContents": [picture]}
    url = f"https://graph.microsoft.com/v1.0{ids.message_path(hub.general, root)}/replies"
    headers = {"Authorization": f"Bearer {hub.fake.people()[0].token}"}
    answer = json.loads(hub.answer(Outgoing("POST", url, headers, json.dumps(sent).encode())).body)
    attachment = hub.attached(ids.message_id(answer["id"], root))
    assert (attachment.name, attachment.content_type) == ("wave.gif", "image/gif")
    assert hub.downloaded(attachment) == b"GIF"


def test_a_picture_of_another_conversation_is_not_ours_to_open(hub: Hub) -> None:
    secret = hub.fake.paste_as(ANN, hub.coffee, "image/png", PNG)
    source = hub.fake.channels.all[hub.fake.places()[1].id].message(secret)["body"]["content"]
    content = {"from": {"user": {"id": "eve"}}, "body": {"contentType": "html", "content": source}}
    event = hub.teams.parse(content, Reference(Kind.POSTED, hub.general, MessageId("1")))
    assert isinstance(event, Posted)
    assert event.message.attachments == ()
    assert plain(event.message.body) == "[image: image]"


def test_a_file_outside_the_channels_site_is_not_ours_to_open(hub: Hub) -> None:
    for url in outside():
        attachment = Attachment("x", "text/plain", ids.shared_handle(hub.general, url))
        with pytest.raises(Refused, match="site"):
            hub.run(hub.teams.open(attachment))


def outside() -> Iterator[str]:
    good = "acme.sharepoint.com/sites/Acme/Shared%20Documents/general/a.txt"
    yield f"http://{good}"
    yield f"https://evil.example/{good}"
    yield f"https://ann@{good}"
    yield f"https://{good.replace('.com/', '.com:8443/')}"
    yield f"https://{good.replace('Acme', 'Board')}"
    yield f"https://{good.replace('Shared', '../Board/Shared')}"
    yield f"https://{good.replace('Shared', '%2e%2e/Board/Shared')}"
    yield f"https://{good.replace('Shared', '..%2FBoard%2FShared')}"
    yield f"https://{good.replace('.sharepoint.com', '.sharepoint.com.evil.example')}"
    yield "https://acme-my.sharepoint.com/personal/ceo/Documents/salaries.xlsx"
    yield "https://acme.sharepoint.com/sites/Acme"
    yield "https://["
    yield ""


@pytest.mark.parametrize(
    ("status", "location"),
    [
        (302, "https://evil.example/x"),
        (302, "http://acme.sharepoint.com/x"),
        (302, "https://sharepoint.com.evil.example/x"),
        (302, "https://evilsharepoint.com/x"),
        (302, "https://acme.sharepoint.com@evil.example/x"),
        (302, "https://acme.sharepoint.com:444/x"),
        (302, "https://ann@acme.sharepoint.com/x"),
        (302, "https://169.254.169.254/"),
        (302, "//acme.sharepoint.com/x"),
        (302, ""),
        (200, "https://acme.sharepoint.com/x"),
    ],
)
def test_only_microsofts_own_hosts_are_downloaded_from(hub: Hub, status: int, location: str) -> None:
    calls = hub.teams.open(hub.attached(hub.fake.share_as(ANN, hub.general, "a.txt", b"x")))
    folder = next(calls)
    asked = calls.send(hub.answer(prepare(folder, hub.fake.credentials())))
    assert "/shares/u!" in asked.url
    with pytest.raises(Refused, match="somewhere"):
        calls.send(Response(status, b"", {"location": location}))


@given(st.text(max_size=40), st.text(max_size=20))
def test_no_address_upsets_opening(url: str, conversation: str) -> None:
    calls = files.open_file(Attachment("x", "x", ids.shared_handle(ConversationId(conversation), url)))
    next(calls)
    with pytest.raises(Refused):
        calls.send(Response(200, b'{"webUrl": "https://acme.sharepoint.com/sites/Acme/x"}'))


def test_a_file_that_is_gone_is_told(hub: Hub) -> None:
    url = "https://acme.sharepoint.com/sites/Acme/Shared%20Documents/general/lost.txt"
    with pytest.raises(Gone):
        hub.run(hub.teams.open(Attachment("lost.txt", "text/plain", ids.shared_handle(hub.general, url))))


def read(hub: Hub, content: str = "", **changes: Any) -> Posted:
    message = {"from": {"user": {"id": "ann"}}, "body": {"contentType": "html", "content": content}} | changes
    event = hub.teams.parse(message, Reference(Kind.POSTED, hub.general, MessageId("1")))
    assert isinstance(event, Posted)
    return event


@pytest.mark.parametrize(
    ("source", "text", "label"),
    [
        ("https://media4.giphy.com/media/x/giphy.mp4?x=1", "[GIF: cat]", "gif"),
        ("https://x.example/a.gif", "[GIF: cat]", "gif"),
        ("https://us-api.asm.skype.com/v1/objects/0-x/views/imgo", "[image: cat]", "image"),
        ("https://notgiphy.com/a.png", "[image: cat]", "image"),
    ],
)
def test_a_picture_from_elsewhere_is_a_link(hub: Hub, source: str, text: str, label: str) -> None:
    event = read(hub, f'<p>ha <img src="{source}" alt="cat"></p>')
    assert event.message.attachments == ()
    assert event.message.body == document([Paragraph((Text("ha "), Link(source, text)))], [label])


@pytest.mark.parametrize(
    "source", ["javascript:x", "data:image/png;base64,AAAA", "/local.png", "mailto:x@y", "", "x" * 9]
)
def test_a_picture_without_an_address_is_only_told(hub: Hub, source: str) -> None:
    assert plain(read(hub, f'<img src="{source}" alt="cat">').message.body) == "[image: cat]"


def test_long_code_is_a_file(hub: Hub) -> None:
    url = f"https://graph.microsoft.com/v1.0{ids.hosted_path(hub.general, MessageId('1'), 'k')}"
    snippet = {"language": "python", "name": "script", "codeSnippetUrl": url}
    kind = "application/vnd.microsoft.card.codesnippet"
    event = read(hub, attachments=[{"id": "s", "contentType": kind, "content": json.dumps(snippet)}])
    (attachment,) = event.message.attachments
    assert (attachment.name, attachment.content_type) == ("script.txt", "text/plain")
    assert hub.run(hub.teams.open(attachment)).url == url
    elsewhere = json.dumps(snippet | {"codeSnippetUrl": "https://evil.example/x"})
    told = read(hub, attachments=[{"id": "s", "contentType": kind, "content": elsewhere, "name": "script"}])
    assert plain(told.message.body) == "[code snippet: script]"


def test_a_forwarded_message_is_quoted_after_the_words_with_it(hub: Hub) -> None:
    forwarded = {
        "originalMessageContent": "<p>the <b>news</b></p>",
        "originalMessageSender": {"user": {"id": "bob", "displayName": "Bob"}},
    }
    attachment = {"id": "f", "contentType": "forwardedMessageReference", "content": json.dumps(forwarded)}
    body = read(hub, '<attachment id="f"></attachment><p>fyi</p>', attachments=[attachment]).message.body
    said = Paragraph((Text("the "), Text("news", Style.BOLD)))
    quote = Quote((Paragraph((Text("Bob", Style.BOLD),)), said))
    assert body == document([Paragraph((Text("fyi"),)), quote], ["forwarded message"])


# Writing


def test_a_file_goes_into_the_channels_folder_and_is_said(hub: Hub) -> None:
    message = hub.uploaded("notes.txt", b"content")
    attachment = hub.attached(message)
    assert (attachment.name, hub.downloaded(attachment)) == ("notes.txt", b"content")
    assert plain(hub.read(message).message.body) == "Bob (Slack)\nlook"
    assert hub.run(hub.teams.find(hub.teams.render(hub.draft()), START)) == [message]


def test_a_file_is_said_in_its_thread(hub: Hub) -> None:
    root = hub.fake.type_as(ANN, hub.general, "root")
    message = hub.uploaded("notes.txt", b"x", hub.draft(thread=root))
    assert hub.read(message).message.thread == root


@pytest.mark.parametrize("name", ["plan.docx", "book.xlsx", "A.PPTX", "a b&c.docx"])
def test_a_documents_address_ends_as_its_name_does(hub: Hub, name: str) -> None:
    attachment = hub.attached(hub.uploaded(name, b"x"))
    assert (attachment.name, hub.downloaded(attachment)) == (name, b"x")
    assert attachment.link.rpartition(".")[2] == name.rpartition(".")[2]


def test_a_second_file_of_a_name_gets_another_one(hub: Hub) -> None:
    hub.uploaded("notes.txt", b"1")
    hub.uploaded("notes.txt", b"2")
    assert hub.fake.files(hub.general) == [("notes.txt", b"1"), ("notes 1.txt", b"2")]


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ('a<b>:"c|?*.txt', "a_b_c_.txt"),
        (" ..dots.. ", "dots"),
        ("~$lock.docx", "lock.docx"),
        ("\x00\n", "_"),
        ("...", "file"),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
        ("日本 é 👍.txt", "日本 é 👍.txt"),
        ("100% #1.txt", "100% #1.txt"),
    ],
)
def test_a_name_is_made_one_that_sharepoint_takes(hub: Hub, name: str, stored: str) -> None:
    hub.uploaded(name, b"x")
    assert hub.fake.files(hub.general) == [(stored, b"x")]


@given(st.text(max_size=300))
def test_no_name_is_refused(name: str) -> None:
    hub = Hub()
    hub.uploaded(name, b"x")
    assert len(hub.fake.files(hub.general)) == 1


def test_an_edit_keeps_the_file(hub: Hub) -> None:
    message = hub.uploaded("notes.txt", b"content")
    for _ in range(2):
        hub.run(hub.teams.edit(message, hub.teams.render(hub.draft("look again"))))
    assert hub.fake.files(hub.general) == [("notes.txt", b"content")]
    assert plain(hub.read(message).message.body) == "Bob (Slack)\nlook again"
    shared = hub.fake.share_as(ANN, hub.general, "hers.txt", b"x", "one")
    hub.fake.edit_as(ANN, hub.general, shared, "two")
    assert hub.attached(shared).name == "hers.txt"


def calls_of(hub: Hub, calls: Calls[Any], file: bytes) -> Iterator[Call]:
    """What a client method asks for, one after the other."""
    with suppress(StopIteration):
        call = next(calls)
        while True:
            yield call
            outgoing = prepare(call, hub.fake.credentials())
            call = calls.send(hub.answer(replace(outgoing, body=file) if call.upload else outgoing))


def test_exactly_one_call_carries_the_file(hub: Hub) -> None:
    attachment = Attachment("a.txt", "text/plain", "x", 3)
    made = list(calls_of(hub, hub.teams.upload(attachment, hub.draft()), b"abc"))
    (carrying,) = (call.upload for call in made if call.upload)
    assert (carrying.name, carrying.content_type, carrying.size, carrying.part) == ("a.txt", "text/plain", 3, "")
    assert [call.token for call in made] == ["service"] * 3
    assert all(call.scopes for call in made)


def test_a_folder_that_is_still_being_made_is_waited_for(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = hub.fake.channels.all[hub.fake.places()[0].id]
    channel.folder_ready = False
    with monkeypatch.context() as patch:
        patch.setattr(files, "FOLDER_PAUSES", (0.0, 0.01, 0.02))
        with pytest.raises(Unavailable, match="folder"):
            hub.uploaded("a.txt", b"x")
    assert hub.fake.shown(hub.general) == []
    pauses = [call.after for call in until_ready(hub, channel)]
    assert pauses == [0.0, 2.0, 0.0]


def until_ready(hub: Hub, channel: Any) -> Iterator[Call]:
    """The calls of an upload while the folder gets ready after the first look."""
    calls = hub.teams.upload(Attachment("a.txt", "text/plain", "x", 1), hub.draft())
    yield next(calls)
    later = calls.throw(Unavailable("not ready yet"))
    yield later
    channel.folder_ready = True
    yield calls.send(hub.answer(prepare(later, hub.fake.credentials())))


def test_the_fake_refuses_an_attachment_whose_name_and_address_differ(hub: Hub) -> None:
    attachment = {"id": "1", "contentType": "reference", "contentUrl": "https://x/a.docx?action=x", "name": "a.docx"}
    body = {"contentType": "html", "content": '<attachment id="1"></attachment>'}
    for sent, said in (
        ({"body": body, "attachments": [attachment]}, "extension"),
        ({"body": body}, "correspond"),
        ({"body": {"content": "x"}, "attachments": [attachment]}, "correspond"),
    ):
        url = f"https://graph.microsoft.com/v1.0{ids.messages_path(hub.general)}"
        headers = {"Authorization": f"Bearer {hub.fake.people()[0].token}"}
        response = hub.answer(Outgoing("POST", url, headers, json.dumps(sent).encode()))
        assert response.status == 400
        assert said in response.body.decode()


def test_the_fake_keeps_no_more_than_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_drive, "KEPT_BYTES", 3000)
    drive, big = Drive(lambda: 0.0), bytes(1000)
    items = [drive.put("folder", "https://acme.sharepoint.com/x", f"{n}.bin", big) for n in range(4)]
    assert drive.at(items[3]["webUrl"]).data is big
    with pytest.raises(Exception, match="could not be found"):
        drive.at(items[0]["webUrl"])


def test_a_share_is_the_address_in_base64_without_padding(hub: Hub) -> None:
    attachment = hub.attached(hub.fake.share_as(ANN, hub.general, "a.txt", b"x"))
    calls = hub.teams.open(attachment)
    asked = calls.send(hub.answer(prepare(next(calls), hub.fake.credentials())))
    encoded = asked.url.partition("/shares/u!")[2].partition("/")[0]
    assert base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode() == attachment.link
    assert asked.scopes == ("Files.Read.All",)
