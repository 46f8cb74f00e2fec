"""Exactly one welcome from the app, however often and from wherever it is asked for."""

import json
from base64 import b64decode
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import requests
import responses
from allauth.socialaccount.models import SocialAccount
from redis import Redis

import connectors
from accounts import signing_up, tasks
from accounts.models import Membership
from accounts.welcoming import COMMANDS, greeting, welcome
from connectors.calls import Call, Calls
from connectors.consent import Greets
from connectors.errors import RateLimited
from connectors.messages import AccountId, Button
from connectors.richtext import Document, plain
from connectors.sandbox import Person, World
from relay.commands import USES
from tests.conftest import HUB
from tests.consenting import Traveller
from tests.people import People, person

ADDRESS = "https://webexapis.com/v1/messages"


class App:
    bot_token = "the-bots-token"


@pytest.fixture
def ann(people: People) -> Membership:
    return Membership.objects.select_related("tenant", "user").get(user=people.ann)


@pytest.fixture
def wire(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[responses.RequestsMock]:
    """Webex at the wire, with an app that has a bot; its connector greets as ``Greets`` promises."""

    class Greeting(connectors.get("webex"), Greets):  # type: ignore[misc]
        def greet(self, account: AccountId, body: Document, buttons: Sequence[Button] = ()) -> Calls[None]:
            yield Call(
                "POST",
                ADDRESS,
                bucket="messages",
                token="bot",
                json={"to": account, "text": plain(body)},
                repeatable=False,
            )

    real = connectors.get
    monkeypatch.setattr(connectors, "get", lambda slug: Greeting if slug == "webex" else real(slug))
    settings.MIO_PLATFORM_APPS = {"webex": App()}
    settings.MIO_SANDBOX_URL = ""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        yield wire


def test_a_member_is_welcomed_once(ann: Membership, wire: responses.RequestsMock) -> None:
    wire.add("POST", ADDRESS, json={"id": "1"})
    assert welcome(ann, "webex", "grace")
    assert not welcome(ann, "webex", "grace")
    assert len(wire.calls) == 1
    assert wire.calls[0].request.headers["authorization"] == "Bearer the-bots-token"
    assert Membership.objects.get(pk=ann.pk).welcomed_on == "webex"


def test_what_certainly_did_not_go_out_is_tried_again(ann: Membership, wire: responses.RequestsMock) -> None:
    refused = wire.add("POST", ADDRESS, status=429, headers={"retry-after": "1"})
    with pytest.raises(RateLimited):
        welcome(ann, "webex", "grace")
    wire.replace(responses.Response("POST", ADDRESS, json={"id": "1"}))
    assert welcome(ann, "webex", "grace")
    assert refused.call_count == 1


def test_what_may_have_gone_out_is_not_said_again(ann: Membership, wire: responses.RequestsMock) -> None:
    wire.add("POST", ADDRESS, body=requests.ReadTimeout())
    assert not welcome(ann, "webex", "grace")
    assert not welcome(ann, "webex", "grace")
    assert len(wire.calls) == 1


def test_a_platform_on_which_our_app_cannot_write_leaves_the_welcome_to_another(
    ann: Membership, wire: responses.RequestsMock
) -> None:
    assert not welcome(ann, "zoom", "ann")
    assert Membership.objects.get(pk=ann.pk).welcomed_on == ""


def test_it_greets_by_name_names_the_organization_and_lists_the_commands(ann: Membership) -> None:
    said = plain(greeting(ann))
    assert "Hello Ann! Acme now uses" in said
    assert all(f"/mio {command}" in said for command in COMMANDS)


def test_it_lists_commands_that_are_answered() -> None:
    assert COMMANDS.keys() <= USES.keys()


@pytest.mark.django_db(transaction=True)
def test_whoever_signed_up_with_a_platform_is_to_be_welcomed_there(redis: Redis, wire: responses.RequestsMock) -> None:
    wire.add("POST", ADDRESS, json={"id": "1"})
    grace = person("Grace", "Liu", "grace@initech.example")
    SocialAccount.objects.create(user=grace, provider="webex", uid="0f6b1c9e")
    membership = signing_up.first_tenant(grace, "Initech")
    [queued] = [json.loads(entry) for entry in redis.lrange("default", 0, -1)]  # type: ignore[union-attr]
    arguments, *_ = json.loads(b64decode(queued["body"]))
    assert (queued["headers"]["task"], arguments) == ("accounts.tasks.welcome", [membership.pk, "webex", "0f6b1c9e"])
    tasks.welcome(*arguments)
    assert b"0f6b1c9e" in (wire.calls[0].request.body or b"")
    assert Membership.objects.get(pk=membership.pk).welcomed_on == "webex"


def words(fake: Any, reader: Person) -> list[str]:
    """What the app said to one person alone, on any of the fakes."""
    if fake.slug == "zoom":
        return [text for _, text in fake.greeted]
    chat = fake.direct(reader.name) if fake.slug == "teams" else fake.shown(fake.chat_with(reader.id))
    return [message.html for message in chat]


@pytest.mark.parametrize("slug", ["slack", "teams", "zoom"])
def test_the_welcome_arrives_through_the_connection(
    ann: Membership, people: People, world: World, intercepted_requests: Any, settings: Any, slug: str
) -> None:
    settings.MIO_BASE_URL = HUB
    Traveller(world, people, people.browser(people.bob)).connect(slug)
    reader = world.fakes[slug].people()[0]
    assert welcome(ann, slug, reader.id)
    [text] = words(world.fakes[slug], reader)
    assert "Hello Ann!" in text
    assert "Acme" in text
    assert f"{HUB}/t/{people.acme.key}/" in text
