"""Files in Zoom: read from its own hosts, sent up, and never fetched from anywhere else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

import pytest

from connectors.calls import Call, Calls, Response, T
from connectors.errors import Gone, Refused, Unavailable
from connectors.http import prepare
from connectors.messages import Attachment, Byline, ConversationId, Draft
from connectors.richtext import Document, plain
from connectors.sandbox import Webhook
from connectors.zoom import client_files
from connectors.zoom.connector import Zoom
from connectors.zoom.sandbox import FakeZoom
from connectors.zoom.sandbox_files import ELSEWHERE, HOST
from connectors.zoom.sandbox_rules import Refusal
from tests.connectors import given
from tests.connectors.zoom.scene import Now, carried, hear, run, said


def uploaded(fake: FakeZoom, zoom: Zoom, calls: Calls[T], data: bytes) -> tuple[T, list[Call]]:
    """Run an upload; the calls it took as well."""
    made: list[Call] = []

    def watched() -> Calls[T]:
        call = next(calls)
        while True:
            made.append(call)
            try:
                call = calls.send((yield call))
            except StopIteration as end:
                found: T = end.value
                return found

    return given.uploaded(watched(), partial(carried, fake), zoom.credentials, data), made


def fetched(fake: FakeZoom, zoom: Zoom, attachment: Attachment) -> Response:
    """The file as the caller's stream would bring it."""
    last = run(fake, zoom, zoom.open(attachment))
    response = carried(fake, prepare(last, zoom.credentials))
    last.judge(last, response)
    return response


DATA = bytes(range(256)) * 40 + b"\r\n--x\r\n"


@pytest.mark.parametrize("redirects", [False, True])
def test_a_shared_file_is_read_from_where_zoom_has_it(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook], redirects: bool
) -> None:
    fake.redirects = redirects
    fake.share_as("Hugo Brandt", general, "plan & more.png", DATA, "see **this**")
    attachment = hear(webhooks[0], zoom).message.attachments[0]
    assert (attachment.name, attachment.content_type, attachment.size) == ("plan & more.png", "image/png", len(DATA))
    assert fetched(fake, zoom, attachment).body == DATA
    assert urlsplit(run(fake, zoom, zoom.open(attachment)).url).netloc == (ELSEWHERE if redirects else HOST)
    assert fake.shown(general)[0].files == ("plan & more.png",)
    assert fake.files(general) == [("plan & more.png", DATA)]


def test_a_file_that_is_gone_is_gone(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook]
) -> None:
    message = fake.share_as("Hugo Brandt", general, "a.txt", b"x")
    attachment = hear(webhooks[0], zoom).message.attachments[0]
    fake.rooms[general].messages[message].files.clear()
    with pytest.raises(Gone):
        run(fake, zoom, zoom.open(attachment))
    fake.delete_as("Hugo Brandt", general, message)
    with pytest.raises(Gone):
        run(fake, zoom, zoom.open(attachment))


def test_an_address_of_a_file_does_not_hold_for_long_and_takes_a_token(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook], now: Now
) -> None:
    fake.share_as("Hugo Brandt", general, "a.txt", b"x")
    last = run(fake, zoom, zoom.open(hear(webhooks[0], zoom).message.attachments[0]))
    assert carried(fake, prepare(replace(last, token=""), zoom.credentials)).status == 401
    assert carried(fake, prepare(replace(last, url=last.url + "x"), zoom.credentials)).status == 403
    now.at += 601
    with pytest.raises(Refused):
        last.judge(last, carried(fake, prepare(last, zoom.credentials)))


@pytest.mark.parametrize(
    "url",
    [
        "http://file.zoom.us/file/x",
        "https://zoom.us.evil.example/x",
        "https://evilzoom.us/x",
        "https://file.zoom.us@evil.example/x",
        "https://file.zoom.us:8443/x",
        "https://evil.example\\@file.zoom.us/x",
        "https://[::1]/x",
        "https://[x/",
        "https://169.254.169.254/x",
        "file:///etc/passwd",
        "//file.zoom.us/x",
        "https://file.zoom.us/\nx",
        "https://file.zoom.uſ/x",
        "",
    ],
)
def test_our_token_goes_to_hosts_of_zoom_only(url: str) -> None:
    with pytest.raises(Refused):
        client_files.trusted(url)


def test_a_page_or_a_redirect_is_not_taken_for_the_file(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook]
) -> None:
    fake.share_as("Hugo Brandt", general, "a.pdf", b"x")
    last = run(fake, zoom, zoom.open(hear(webhooks[0], zoom).message.attachments[0]))
    with pytest.raises(Refused, match="page"):
        last.judge(last, Response(200, b"", {"content-type": "text/html; charset=utf-8"}))
    with pytest.raises(Unavailable):
        last.judge(last, Response(302, b"", {"location": "https://file.zoom.us/x"}))


def shared(name: str, size: int | None = len(DATA), content_type: str = "application/pdf") -> Attachment:
    return Attachment(name, content_type, "the source's own", size)


@pytest.mark.parametrize("redirects", [False, True])
def test_a_file_goes_up_in_one_message_with_its_byline_and_text(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook], redirects: bool
) -> None:
    fake.redirects = redirects
    root = fake.type_as("Hugo Brandt", general, "root")
    draft = Draft(general, said("the plan"), "n", Byline("Ann Moreau", "Slack"), root)
    message, calls = uploaded(fake, zoom, zoom.upload(shared("plan.pdf"), draft), DATA)
    echo = hear(webhooks[-1], zoom).message
    assert (echo.id, echo.thread, plain(echo.body)) == (message, root, "Ann Moreau (Slack)\nthe plan")
    assert [one.name for one in echo.attachments] == ["plan.pdf"]
    assert fake.files(general) == [("plan.pdf", DATA)]
    assert not fake.files_kept.notes, "not in the service user's own chat"
    assert [call.repeatable for call in calls] == [*([True] * (len(calls) - 1)), False]
    assert run(fake, zoom, zoom.find(zoom.render(draft), datetime.now(UTC) - timedelta(minutes=1))) == [message]
    run(fake, zoom, zoom.delete(general, message))
    assert fake.files(general) == []


def test_a_file_that_goes_up_without_a_word_is_a_message_at_once(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook]
) -> None:
    root = fake.type_as("Hugo Brandt", general, "root")
    draft = Draft(general, Document(()), "n", None, root)
    message, calls = uploaded(fake, zoom, zoom.upload(shared("plan.png"), draft), DATA)
    assert [call.url.rpartition("/")[2] for call in calls] == ["files"]
    echo = hear(webhooks[-1], zoom).message
    assert (echo.id, echo.thread, echo.body) == (message, root, Document(()))
    assert fake.files(general) == [("plan.png", DATA)]


@pytest.mark.parametrize(
    ("name", "size"), [("a.png", 16 * 1024**2 + 1), ("a.JPEG", 16 * 1024**2 + 1), ("a.pdf", 20 * 1024**2 + 1)]
)
def test_a_file_too_large_is_refused_before_it_is_sent(
    zoom: Zoom, general: ConversationId, name: str, size: int
) -> None:
    with pytest.raises(Refused, match="MB"):
        next(zoom.upload(shared(name, size), Draft(general, said("x"), "n")))
    assert next(zoom.upload(shared(name, size - 1), Draft(general, said("x"), "n"))).upload
    with pytest.raises(Refused, match="not known"):
        next(zoom.upload(shared(name, None), Draft(general, said("x"), "n")))


def test_an_upload_is_not_sent_on_to_strangers(fake: FakeZoom, zoom: Zoom, general: ConversationId) -> None:
    for draft in (Draft(general, said("x"), "n"), Draft(general, Document(()), "n")):
        calls = zoom.upload(shared("a.pdf"), draft)
        next(calls)
        with pytest.raises(Refused):
            calls.send(Response(307, b"", {"location": "https://evil.example/v2/x"}))
        calls = zoom.upload(shared("a.pdf"), draft)
        next(calls)
        for _ in range(client_files.MOST_HOPS - 1):
            assert calls.send(Response(307, b"", {"location": "/v2/x"})).upload
        with pytest.raises(Refused, match="host to host"):
            calls.send(Response(307, b"", {"location": "/v2/x"}))


def test_the_fake_forgets_the_oldest_bytes(fake: FakeZoom, general: ConversationId) -> None:
    for number in range(5):
        fake.share_as("Hugo Brandt", general, f"{number}.bin", bytes(15 * 1024**2))
    assert fake.files_kept.data(fake.rooms[general].messages[fake.shown(general)[-1].id].files[0].id)
    with pytest.raises(Refusal):
        fake.files(general)
