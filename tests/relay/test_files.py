"""Files cross between the fakes over real HTTP: byte for byte, in every direction, or with a reason."""

import asyncio
import hashlib
import pickle
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

import connectors
from connectors.calls import Response
from connectors.contract import CarriesFiles, Connector, FetchesMessages
from connectors.downloads import Opener, opening_over_aiohttp
from connectors.errors import Reconnect, TryAgain, Unsure
from connectors.http import AnswerLost, Outgoing, Transport, drive, over_aiohttp
from connectors.messages import Attachment, Byline, ConversationId, Draft, Kind, MessageId, Posted, Reference
from connectors.richtext import Document, Paragraph, Text
from connectors.sandbox import World
from connectors.sandbox_data import KEPT_OF_LARGER
from connectors.streaming import Incoming
from relay.files import CannotCross, Files, OriginFails, OriginLost, told

DIRECTIONS = [(origin, target) for origin in connectors.slugs() for target in connectors.slugs() if origin != target]
NAME, DATA = "plän – v2.pdf", bytes(range(256)) * 700 + b"\r\n--x--\r\n"
BYLINE = Byline("Ann Moreau", "Elsewhere")
SINCE = timedelta(minutes=1)


class Bridge:
    """Carries files between the fakes at ``base``; with ``files`` as the worker has it."""

    def __init__(self, world: World, base: str) -> None:
        self.world = world
        self.base = base
        self.speakers = {slug: connectors.get(slug)(fake.credentials()) for slug, fake in world.fakes.items()}
        self.moved: list[Outgoing] = []
        self.opened: list[Outgoing] = []
        self.before: Callable[[Outgoing], None] = lambda outgoing: None
        self.after: Callable[[Outgoing], None] = lambda outgoing: None

    def place(self, slug: str) -> ConversationId:
        return self.world.fakes[slug].places()[0].conversation

    def fake(self, slug: str) -> Any:
        return self.world.fakes[slug]

    def share(self, slug: str, name: str = NAME, data: bytes = DATA) -> MessageId:
        person = self.world.fakes[slug].people()[0].id
        message: MessageId = self.fake(slug).share_as(person, self.place(slug), name, data)
        return message

    def work(self, step: Callable[[Files], Coroutine[Any, Any, Any]]) -> Any:
        async def run() -> Any:
            async with aiohttp.ClientSession() as session, asyncio.timeout(30):
                transport, opener = over_aiohttp(session), opening_over_aiohttp(session)
                return await step(Files(self._watched(transport), self._noted(opener), self.base))

        return asyncio.run(run())

    def _watched(self, transport: Transport) -> Transport:
        async def send(outgoing: Outgoing) -> Response:
            self.before(outgoing)
            if outgoing.file:
                self.moved.append(outgoing)
            response = await transport(outgoing)
            self.after(outgoing)
            return response

        return send

    def _noted(self, opener: Opener) -> Opener:
        @asynccontextmanager
        async def opening(outgoing: Outgoing) -> AsyncIterator[Incoming]:
            self.opened.append(outgoing)
            async with opener(outgoing) as incoming:
                yield incoming

        return opening

    async def heard(self, slug: str, message: MessageId) -> Attachment:
        """What our connector hears of a file."""
        speaker = self.speakers[slug]
        assert isinstance(speaker, FetchesMessages)
        reference = Reference(Kind.POSTED, self.place(slug), message)
        async with aiohttp.ClientSession() as session:
            content = await drive(speaker.fetch(reference), over_aiohttp(session), speaker.credentials, self.base)
        event = speaker.parse(content, reference)
        assert isinstance(event, Posted)
        return event.message.attachments[0]

    def draft(self, slug: str, text: str = "", thread: MessageId | None = None) -> Draft:
        body = Document((Paragraph((Text(text),)),) if text else ())
        return Draft(self.place(slug), body, "nonce-of-the-file", BYLINE, thread)

    def cross(self, origin: str, target: str, message: MessageId, draft: Draft | None = None) -> MessageId:
        async def step(files: Files) -> MessageId:
            heard = await self.heard(origin, message)
            examined = await files.examine(self.speakers[origin], heard, self.speakers[target])
            assert not examined.obstacle
            said = draft or self.draft(target)
            return await files.carry(self.speakers[origin], examined.attachment, self.speakers[target], said)

        found: MessageId = self.work(step)
        return found

    def examined(self, origin: str, target: str, message: MessageId) -> Any:
        async def step(files: Files) -> Any:
            heard = await self.heard(origin, message)
            return await files.examine(self.speakers[origin], heard, self.speakers[target])

        return self.work(step)

    def found(self, slug: str, attachment: Attachment, draft: Draft) -> list[MessageId]:
        """What a look for a lost upload brings."""
        speaker = self.speakers[slug]
        assert isinstance(speaker, CarriesFiles)
        assert isinstance(speaker, Connector)
        calls = speaker.find_file(attachment, draft, datetime.now(UTC) - SINCE)

        async def step(_: Files) -> list[MessageId]:
            async with aiohttp.ClientSession() as session:
                return await drive(calls, over_aiohttp(session), speaker.credentials, self.base)

        ids: list[MessageId] = self.work(step)
        return ids

    def files(self, slug: str) -> list[tuple[str, bytes]]:
        kept: list[tuple[str, bytes]] = self.fake(slug).files(self.place(slug))
        return kept


@pytest.fixture
def bridge(world: World, sandbox_url: str) -> Bridge:
    return Bridge(world, sandbox_url)


@pytest.mark.parametrize(("origin", "target"), DIRECTIONS)
def test_a_file_crosses_byte_for_byte_with_its_author(bridge: Bridge, origin: str, target: str) -> None:
    root = bridge.fake(target).type_as(bridge.fake(target).people()[0].id, bridge.place(target), "where is it?")
    message = bridge.cross(origin, target, bridge.share(origin), bridge.draft(target, thread=root))
    assert bridge.files(target) == [(NAME, DATA)]
    shown = next(shown for shown in bridge.fake(target).shown(bridge.place(target)) if shown.id == message)
    assert BYLINE.name in shown.author + shown.html
    assert shown.thread == root
    carrying = [outgoing for outgoing in bridge.moved if outgoing.file]
    assert len(carrying) == 1


@pytest.mark.parametrize(
    ("origin", "target"), [("slack", "webex"), ("webex", "slack"), ("teams", "zoom"), ("zoom", "teams")]
)
@pytest.mark.parametrize(
    ("name", "arrives"),
    [
        ("日本語 🎉.png", "日本語 🎉.png"),
        ('he said "hi" & <b>.txt', "he said 'hi' & <b>.txt"),
        ("two\nlines\r\nX-Evil: 1.txt", "two lines X-Evil: 1.txt"),
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("100%41 % 1+1.csv", "100%41 % 1+1.csv"),
        ("gpj.\u202eexe", "gpj.exe"),
    ],
)
def test_names_of_any_kind_cross_as_one_line(bridge: Bridge, origin: str, target: str, name: str, arrives: str) -> None:
    if origin == "teams" and any(character in name for character in '"*:<>?/\\|'):
        pytest.skip("SharePoint has no such names")
    bridge.cross(origin, target, bridge.share(origin, name, b"x"))
    [(got, data)] = bridge.files(target)
    in_sharepoint = arrives.replace("<b>", "_b_").replace(":", "_").strip(".")
    assert (got, data) == (in_sharepoint if target == "teams" else arrives, b"x")


@pytest.mark.parametrize("target", ["teams", "webex", "zoom"])
def test_an_empty_file_crosses(bridge: Bridge, target: str) -> None:
    origin = "webex" if target != "webex" else "teams"
    bridge.cross(origin, target, bridge.share(origin, "empty.txt", b""))
    assert bridge.files(target) == [("empty.txt", b"")]


def test_an_empty_file_is_named_where_it_cannot_be(bridge: Bridge) -> None:
    with pytest.raises(CannotCross, match="no empty files"):
        bridge.cross("teams", "slack", bridge.share("teams", "empty.txt", b""))
    assert bridge.moved == []


def test_the_type_of_a_file_is_kept(bridge: Bridge) -> None:
    bridge.cross("webex", "teams", bridge.share("webex", "photo.png", b"\x89PNG"))
    bridge.cross("webex", "slack", bridge.share("webex", "photo.png", b"\x89PNG"))
    assert [outgoing.headers["Content-Type"] for outgoing in bridge.moved] == ["image/png", "image/png"]
    examined = bridge.examined("webex", "slack", bridge.share("webex", "photo.png", b"\x89PNG"))
    assert (examined.attachment.content_type, examined.attachment.size) == ("image/png", 4)


@pytest.mark.parametrize("origin", ["slack", "teams", "webex"])
def test_a_file_too_large_is_named_before_any_byte_is_moved(bridge: Bridge, origin: str) -> None:
    examined = bridge.examined(origin, "zoom", bridge.share(origin, "film.bin", bytes(20 * 1024**2 + 1)))
    assert examined.obstacle == "Zoom takes files up to 20 MB"
    assert (examined.attachment.name, examined.attachment.size) == ("film.bin", 20 * 1024**2 + 1)
    assert bridge.moved == []


def test_a_picture_too_large_for_its_kind_is_named_before_any_byte_is_moved(bridge: Bridge) -> None:
    message = bridge.share("slack", "large.png", bytes(16 * 1024**2 + 1))
    with pytest.raises(CannotCross, match="image above 16 MB"):
        bridge.cross("slack", "zoom", message)
    assert (bridge.moved, bridge.opened) == ([], [])


def test_a_file_that_is_being_scanned_is_waited_for(bridge: Bridge) -> None:
    message = bridge.share("webex")
    bridge.fake("webex").scan(bridge.place("webex"), message, 423)
    with pytest.raises(OriginFails) as early:
        bridge.examined("webex", "slack", message)
    assert early.value.after == 5
    bridge.fake("webex").scan(bridge.place("webex"), message, 200)
    bridge.cross("webex", "slack", message)
    assert bridge.files("slack") == [(NAME, DATA)]


@pytest.mark.parametrize(("status", "reason"), [(410, "virus"), (428, "cannot be scanned")])
def test_a_file_that_is_not_given_is_named_with_the_reason(bridge: Bridge, status: int, reason: str) -> None:
    message = bridge.share("webex")
    bridge.fake("webex").scan(bridge.place("webex"), message, status)
    examined = bridge.examined("webex", "slack", message)
    assert reason in examined.obstacle
    assert examined.attachment.name == "file"
    assert bridge.moved == []


def test_a_file_found_infected_between_look_and_transfer_cannot_cross(bridge: Bridge) -> None:
    message = bridge.share("webex")
    examined = bridge.examined("webex", "slack", message)
    bridge.fake("webex").scan(bridge.place("webex"), message, 410)
    with pytest.raises(CannotCross, match="virus"):
        carried(bridge, "webex", "slack", examined.attachment)
    assert bridge.files("slack") == []


def carried(bridge: Bridge, origin: str, target: str, attachment: Attachment) -> MessageId:
    speakers = bridge.speakers
    message: MessageId = bridge.work(
        lambda files: files.carry(speakers[origin], attachment, speakers[target], bridge.draft(target))
    )
    return message


@pytest.mark.parametrize(("origin", "target"), DIRECTIONS)
def test_a_source_that_breaks_in_the_middle_leaves_no_half_file_and_is_tried_again(
    bridge: Bridge, origin: str, target: str
) -> None:
    message = bridge.share(origin)
    attachment = bridge.examined(origin, target, message).attachment
    for wrong in (-1, 1):
        with pytest.raises(TryAgain) as failed:
            carried(bridge, origin, target, replace(attachment, size=len(DATA) + wrong))
        assert not isinstance(failed.value, OriginLost)
    assert bridge.files(target) == []
    assert bridge.fake(target).shown(bridge.place(target)) == []
    carried(bridge, origin, target, attachment)
    assert bridge.files(target) == [(NAME, DATA)]


@pytest.mark.parametrize(("origin", "target"), DIRECTIONS)
def test_a_download_that_breaks_off_leaves_no_half_file(bridge: Bridge, origin: str, target: str) -> None:
    attachment = bridge.examined(origin, target, bridge.share(origin)).attachment
    speakers = bridge.speakers

    @asynccontextmanager
    async def breaking(incoming: Incoming) -> AsyncIterator[Incoming]:
        async def half() -> AsyncIterator[bytes]:
            async for chunk in incoming.chunks:
                yield chunk[: len(chunk) // 2]
                raise AnswerLost

        yield replace(incoming, chunks=half())

    def broken(opener: Opener) -> Opener:
        @asynccontextmanager
        async def opening(outgoing: Outgoing) -> AsyncIterator[Incoming]:
            async with opener(outgoing) as incoming, breaking(incoming) as half:
                yield half

        return opening

    async def step(files: Files) -> None:
        files._opener = broken(files._opener)
        await files.carry(speakers[origin], attachment, speakers[target], bridge.draft(target))

    with pytest.raises(TryAgain):
        bridge.work(step)
    assert bridge.files(target) == []


def test_a_token_that_the_origin_no_longer_takes_is_told_from_the_target_s(bridge: Bridge) -> None:
    attachment = bridge.examined("slack", "webex", bridge.share("slack")).attachment
    webex, slack = bridge.speakers["webex"], bridge.speakers["slack"]
    disconnected = type(slack)(replace(slack.credentials, tokens={}))
    with pytest.raises(OriginLost):
        bridge.work(lambda files: files.carry(disconnected, attachment, webex, bridge.draft("webex")))
    disconnected = type(webex)(replace(webex.credentials, tokens={}))
    with pytest.raises(Reconnect):
        bridge.work(lambda files: files.carry(slack, attachment, disconnected, bridge.draft("webex")))


@pytest.mark.parametrize(("origin", "target"), [(o, t) for o, t in DIRECTIONS if o in ("slack", "webex")][:6])
def test_an_upload_whose_answer_was_lost_is_found_and_not_said_twice(bridge: Bridge, origin: str, target: str) -> None:
    root = bridge.fake(target).type_as(bridge.fake(target).people()[0].id, bridge.place(target), "where is it?")
    attachment = bridge.examined(origin, target, bridge.share(origin)).attachment
    draft = bridge.draft(target, thread=root)
    assert bridge.found(target, attachment, draft) == []
    said = bridge.cross(origin, target, bridge.share(origin), draft)
    assert bridge.found(target, attachment, draft) == [said]
    other = replace(attachment, name="other.pdf", size=len(DATA) + 1)
    assert bridge.found(target, other, draft) == []
    assert bridge.found(target, attachment, replace(draft, thread=None, nonce="another")) == []


def test_a_lost_answer_to_an_upload_is_a_reason_to_look(bridge: Bridge) -> None:
    attachment = bridge.examined("slack", "webex", bridge.share("slack")).attachment

    def lost(outgoing: Outgoing) -> None:
        if outgoing.file:
            raise AnswerLost

    bridge.after = lost
    with pytest.raises(Unsure):
        carried(bridge, "slack", "webex", attachment)
    assert len(bridge.found("webex", attachment, bridge.draft("webex"))) == 1


@given(st.dictionaries(st.sampled_from(["content-type", "content-disposition", "content-length"]), st.text()))
def test_headers_of_any_kind_give_a_name_and_a_type(headers: dict[str, str]) -> None:
    found = told(Attachment("", "", "handle"), headers)
    assert found.name.strip()
    assert "/" not in found.name
    assert len(found.name.splitlines()) == 1
    assert found.content_type


MEGABYTE = 1024 * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read where Linux tells it")
@pytest.mark.parametrize(("origin", "target"), [("slack", "webex"), ("webex", "teams")])
def test_a_hundred_megabytes_cross_in_less_than_64_of_memory(bridge: Bridge, origin: str, target: str) -> None:
    film = random.Random(1).randbytes(KEPT_OF_LARGER) * 100
    attachments = [
        asyncio.run(bridge.heard(origin, bridge.share(origin, name, data)))
        for name, data in (("warm.bin", film[:MEGABYTE]), ("film.bin", film))
    ]
    job = (origin, bridge.speakers[origin].credentials, attachments)
    job_there = (target, bridge.speakers[target].credentials, bridge.draft(target))
    command = [sys.executable, "-m", "tests.relay.carrier", bridge.base]
    carrier = subprocess.run(command, input=pickle.dumps(job + job_there), capture_output=True, timeout=60, check=False)
    assert carrier.returncode == 0, carrier.stderr.decode()
    arrived = bridge.fake(target).files(bridge.place(target))[-1][1]
    assert (len(arrived), arrived.sha256) == (100 * MEGABYTE, hashlib.sha256(film).hexdigest())
    assert int(carrier.stdout) < 64 * MEGABYTE
