"""A workspace takes its permission back and gives it again: what was said meanwhile waits, then is said once, in order."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core import mail
from django.db import connections
from django.utils import timezone

from accounts import disconnecting, tokens, watching
from accounts.models import AuditEntry, Installation, Membership, Token
from connectors.calls import Response
from connectors.errors import Reconnect
from connectors.http import Outgoing
from connectors.sandbox import Fault
from relay import consequences, ingest, ingress, subscriptions
from relay.database import LeaseLost
from relay.models import ConversationLink, Delivery, InboundEvent, Outcome
from relay.shards import drain
from tests.conftest import HUB
from tests.consenting import Traveller
from tests.house import House
from tests.people import People
from tests.stories.test_conversation import SPEAKERS

everywhere = pytest.mark.parametrize("slug", SPEAKERS)
State = Delivery.State
MEANWHILE = [f"waits, number {number}" for number in range(3)]


class Story:
    """A company whose administrators connect, lose and mend its connections while people talk."""

    def __init__(self, house: House, people: People, world: Any) -> None:
        self.house = house
        people = replace(people, acme=house.tenant)
        for user, role in ((people.ann, "owner"), (people.bob, "administrator"), (people.carla, "auditor")):
            Membership.objects.create(tenant=house.tenant, user=user, role=role)
        self.traveller = Traveller(world, people, people.browser(people.bob))

    def connect(self, slug: str) -> None:
        """By the consent pages; then the keeper comes by."""
        self.traveller.connect(slug, again=self.pk(slug))
        self.keep(slug)

    def keep(self, slug: str) -> None:
        subscriptions.keep(self.pk(slug))

    def pk(self, slug: str) -> int:
        return self.house.installations[slug].pk

    def state(self, slug: str) -> str:
        return Installation.objects.get(pk=self.pk(slug)).state

    def say(self, slug: str, text: str) -> None:
        self.house.type(slug, SPEAKERS[slug], text)

    def read(self, slug: str, needle: str) -> list[str]:
        return [html for html in self.house.shown(slug) if needle in html]

    def revoke(self, slug: str) -> None:
        """The workspace's administrator throws our app out."""
        fake: Any = self.house.world.fakes[slug]
        fake.revoke_app()

    def notice(self, slug: str) -> None:
        """How the Hub learns of it: Slack and Zoom say so, Teams ends its orders, Webex is silent until it is asked."""
        assert all(status == 200 for status in self.house.take_webhooks_in())
        if slug == "teams":
            self.keep(slug)
        if slug == "webex":
            watching.look(self.pk(slug))

    def slow_down(self) -> None:
        """From now on platforms answer a worker late enough that several mailboxes are refused at the same time."""
        reach = self.house.transport

        async def late(outgoing: Outgoing) -> Response:
            response = await reach(outgoing)
            await asyncio.sleep(0.1)
            return response

        self.house.transport = late

    def turn(self) -> None:
        """A worker's short slice, with work left that must wait."""

        async def work() -> None:
            try:
                await self.house.post_webhooks()
                await self.house.drain_until_idle(1.0)
            finally:
                await ingress.close_inbox()
                await sync_to_async(connections.close_all)()

        asyncio.run(work())

    def beside_a_worker(self, acts: Callable[[], Awaitable[None]]) -> None:
        """Do something while a worker goes on and on, with all that it remembers."""
        is_over = asyncio.Event()

        async def toil() -> None:
            """As ``relay.tasks.drain_shard``, which beat starts again."""
            while not is_over.is_set():
                with suppress(LeaseLost):
                    await drain(0, 1, is_over.is_set, self.house.transport, self.house.opener)

        async def work() -> None:
            worker = asyncio.create_task(toil())
            try:
                await acts()
            finally:
                is_over.set()
                await worker
                await ingress.close_inbox()
                await sync_to_async(connections.close_all)()

        asyncio.run(work())

    async def until(self, is_so: Callable[[], Any], seconds: float = 15.0) -> None:
        """Carry webhooks until something is so."""
        deadline = time.monotonic() + seconds
        while not await sync_to_async(is_so)():
            assert time.monotonic() < deadline
            await self.house.post_webhooks()
            await asyncio.sleep(0.05)


@pytest.fixture
def story(house: House, people: People, world: Any, intercepted_requests: Any, settings: Any) -> Story:
    settings.MIO_BASE_URL = HUB
    return Story(house, people, world)


def others(slug: str) -> list[str]:
    return [other for other in SPEAKERS if other != slug]


def left_open() -> list[tuple[str, int, str]]:
    """Deliveries that did not come to a good end."""
    found = Delivery.objects.exclude(state__in=[State.DONE, State.SKIPPED])
    return list(found.values_list("link__installation__platform", "state", "reason"))


@everywhere
def test_what_is_said_while_a_permission_is_withdrawn_waits_and_is_said_once(story: Story, slug: str) -> None:
    story.connect(slug)
    source = others(slug)[0]
    story.say(source, "before it")
    story.say(slug, "from there")
    story.house.relay()
    assert len(story.read(slug, "before it")) == len(story.read(source, "from there")) == 1

    story.revoke(slug)
    story.notice(slug)
    assert story.state(slug) == "needs reconnect"
    for text in MEANWHILE:
        story.say(source, text)
    story.house.relay()
    assert not story.read(slug, "waits")
    for other in others(slug)[1:]:
        assert len(story.read(other, "waits")) == len(MEANWHILE)
    assert {(platform, state) for platform, state, _ in left_open()} == {(slug, State.WAITING)}
    assert len(left_open()) == len(MEANWHILE)
    assert watching.tell_administrators() == 1
    assert watching.tell_administrators() == 0
    [letter] = mail.outbox
    assert set(letter.bcc) == {"ann@acme.example", "bob@acme.example"}

    story.connect(slug)
    story.house.relay()
    assert story.state(slug) == "connected"
    assert [text in html for html, text in zip(story.read(slug, "waits"), MEANWHILE, strict=True)] == [True] * 3
    assert left_open() == []
    story.say(slug, "and back again")
    story.house.relay()
    assert all(len(story.read(other, "and back again")) == 1 for other in others(slug))
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("slug", ["teams", "webex"])
def test_what_was_heard_and_could_not_be_read_any_more_is_read_after_connecting_again(story: Story, slug: str) -> None:
    story.connect(slug)
    story.house.relay()
    story.say(slug, "told, not read")
    told = list(story.house.webhooks)
    story.revoke(slug)
    story.house.webhooks[:] = told
    story.turn()
    assert story.state(slug) == "needs reconnect"
    assert InboundEvent.objects.filter(state=InboundEvent.State.WAITING).count() == 1
    story.connect(slug)
    story.house.relay()
    assert all(len(story.read(other, "told, not read")) == 1 for other in others(slug))
    assert left_open() == []


@everywhere
def test_a_worker_that_remembers_the_old_tokens_takes_the_new_ones_and_flags_nothing(
    story: Story, slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest = consequences.Consequence(Outcome.RECONNECT, State.WAITING, 0.2)
    monkeypatch.setitem(consequences.CONSEQUENCES, Reconnect, rest)
    monkeypatch.setattr(ingest, "RECONNECT_REST", 0.2)
    source = others(slug)[0]
    story.slow_down()
    story.house.link("cake", list(SPEAKERS))
    story.connect(slug)

    async def acts() -> None:
        story.say(source, "known by now")
        await story.until(lambda: story.read(slug, "known by now"))
        story.revoke(slug)
        story.house.webhooks.clear()
        await sync_to_async(story.connect)(slug)
        for channel in ("general", "cake"):
            story.house.type(source, SPEAKERS[source], f"news of {channel}", channel)
        await story.until(
            lambda: all(
                sum("news of" in html for html in story.house.shown(slug, channel)) == 1
                for channel in ("general", "cake")
            )
        )

    story.beside_a_worker(acts)
    assert story.state(slug) == "connected"
    assert left_open() == []


@pytest.mark.parametrize("slug", ["slack", "zoom"])
def test_a_withdrawal_that_is_told_late_does_not_touch_the_new_connection(story: Story, slug: str) -> None:
    story.connect(slug)
    story.house.webhooks.clear()
    story.revoke(slug)
    late = list(story.house.webhooks)
    story.house.webhooks.clear()
    watching.look(story.pk(slug))
    assert story.state(slug) == "needs reconnect"
    story.connect(slug)
    Installation.objects.filter(pk=story.pk(slug)).update(connected_at=timezone.now() + timedelta(seconds=2))
    story.house.webhooks[:] = late
    assert set(story.house.take_webhooks_in()) == {200}
    assert story.state(slug) == "connected"
    story.revoke(slug)
    Installation.objects.filter(pk=story.pk(slug)).update(connected_at=timezone.now() - timedelta(seconds=2))
    assert set(story.house.take_webhooks_in()) == {200}
    assert story.state(slug) == "needs reconnect"


@everywhere
def test_a_look_that_began_before_somebody_connected_again_flags_nothing(story: Story, slug: str) -> None:
    story.connect(slug)
    held = dict(Installation.objects.get(pk=story.pk(slug)).credentials().tokens)
    story.revoke(slug)
    story.connect(slug)
    tokens.refused(story.pk(slug), held, "The platform said no.")
    assert story.state(slug) == "connected"


@everywhere
def test_disconnecting_while_messages_wait_disturbs_no_worker_and_no_other_platform(
    story: Story, slug: str, caplog: pytest.LogCaptureFixture
) -> None:
    story.connect(slug)
    source = others(slug)[0]

    async def acts() -> None:
        story.say(source, "known by now")
        story.say(slug, "heard by now")
        await story.until(lambda: story.read(slug, "known by now") and story.read(source, "heard by now"))
        story.house.world.faults = [Fault(slug, status=503)]
        story.say(source, "will never get there")
        await story.until(lambda: any(platform == slug for platform, _, _ in left_open()))
        story.house.world.faults = []
        await sync_to_async(disconnecting.disconnect)(await Installation.objects.aget(pk=story.pk(slug)))
        story.say(source, "life goes on")
        await story.until(lambda: all(story.read(other, "life goes on") for other in others(slug)[1:]))

    story.beside_a_worker(acts)
    assert not ConversationLink.objects.filter(installation=story.pk(slug)).exists()
    assert left_open() == []
    assert [record.getMessage() for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")] == []


@everywhere
def test_a_platform_that_is_disconnected_in_the_middle_of_a_call_disturbs_nobody(
    story: Story, slug: str, caplog: pytest.LogCaptureFixture
) -> None:
    story.connect(slug)
    source = others(slug)[0]
    reach, host = story.house.transport, story.house.world.fakes[slug].hosts[0]

    async def cut_off(outgoing: Outgoing) -> Response:
        installation = await Installation.objects.filter(pk=story.pk(slug)).afirst()
        if host in outgoing.url and installation:
            await sync_to_async(disconnecting.disconnect)(installation)
        return await reach(outgoing)

    async def acts() -> None:
        story.say(source, "on its way")
        await story.until(lambda: all(story.read(other, "on its way") for other in others(slug)[1:]))
        story.say(source, "life goes on")
        await story.until(lambda: all(story.read(other, "life goes on") for other in others(slug)[1:]))

    story.house.transport = cut_off
    story.beside_a_worker(acts)
    assert all(len(story.read(other, "on its way")) == 1 for other in others(slug)[1:])
    assert left_open() == []
    assert [record.getMessage() for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")] == []


def secrets_now() -> set[str]:
    """Every token that the Hub holds, in clear."""
    return {value for token in Token.objects.all() for value in (token.access, token.refresh) if value}


def test_no_log_letter_or_audit_entry_of_a_full_story_holds_a_token(
    story: Story, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    secrets = secrets_now()
    for slug in SPEAKERS:
        story.connect(slug)
        secrets |= secrets_now()
        story.say(slug, "a word")
        story.house.relay()
        Token.objects.exclude(renew_at=None).update(renew_at=timezone.now())
        for pk in tokens.due():
            assert tokens.renew(pk)
        secrets |= secrets_now()
        story.revoke(slug)
        story.say(others(slug)[0], "another word")
        story.turn()
        watching.look(story.pk(slug))
        Token.objects.exclude(renew_at=None).update(renew_at=timezone.now())
        for token in Token.objects.filter(installation=story.pk(slug)):
            tokens.renew(token.pk)
        watching.tell_administrators()
        story.connect(slug)
        secrets |= secrets_now()
        story.house.relay()
    for slug in SPEAKERS:
        disconnecting.disconnect(Installation.objects.get(pk=story.pk(slug)))
    told = "\n".join(f"{record.getMessage()} {record.args} {record.exc_text}" for record in caplog.records)
    told += "".join(capfd.readouterr()) + "".join(f"{letter.subject} {letter.body}" for letter in mail.outbox)
    told += str(list(AuditEntry.objects.values()))
    assert "token_dead" in told
    assert len(mail.outbox) == len(SPEAKERS)
    assert len(secrets) > 2 * len(SPEAKERS)
    assert not [secret for secret in secrets if secret in told]
