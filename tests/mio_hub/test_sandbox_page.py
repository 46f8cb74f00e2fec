"""The sandbox page without a browser: it is there when a sandbox is, and it passes on what the sandbox says."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import pytest
from django.http import StreamingHttpResponse
from django.test import AsyncClient, Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

import connectors
from connectors.messages import Kind
from connectors.sandbox import World
from mio_hub.sandbox import crossings, demo
from relay.models import ConversationLink, Delivery, InboundEvent, MessageCopy, RelayedMessage

NOBODY = "http://127.0.0.1:1"
"""An address where nothing answers."""

WORDS = {"platform": "slack", "person": "Ann Moreau", "conversation": "general", "text": "hello"}


@pytest.fixture(autouse=True)
def plain_http(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def with_sandbox(settings: Any, sandbox_url: str) -> None:
    settings.MIO_SANDBOX_URL = sandbox_url


@pytest.fixture
def without_running_sandbox(settings: Any) -> None:
    settings.MIO_SANDBOX_URL = NOBODY


@pytest.mark.parametrize("name", ["page", "stream", "crossings"])
def test_without_a_sandbox_there_is_no_page(client: Client, settings: Any, name: str) -> None:
    settings.MIO_SANDBOX_URL = ""
    assert client.get(reverse(f"sandbox:{name}")).status_code == 404


def test_without_a_sandbox_nothing_can_be_said(client: Client, settings: Any) -> None:
    settings.MIO_SANDBOX_URL = ""
    assert client.post(reverse("sandbox:say"), WORDS).status_code == 404


def test_the_page_has_a_pane_for_every_platform(client: Client, without_running_sandbox: None) -> None:
    html = client.get(reverse("sandbox:page")).content.decode()
    for connector in connectors.everyone():
        assert f'<section class="pane" data-platform="{connector.platform.slug}"' in html
        assert connector.platform.label in html


def test_the_page_has_no_inline_script_and_no_inline_style(client: Client, without_running_sandbox: None) -> None:
    html = client.get(reverse("sandbox:page")).content.decode()
    assert "style=" not in html
    assert "<style" not in html
    assert html.count("<script") == len(re.findall(r'<script [^>]*\bsrc="[^"]+"[^>]*></script>', html))


def test_what_is_typed_reaches_the_sandbox(client: Client, world: World, with_sandbox: None) -> None:
    answer = client.post(reverse("sandbox:say"), WORDS)
    slack = world.fakes["slack"]
    [shown] = slack.shown(slack.places()[0].conversation)
    assert (answer.status_code, answer.json()["id"]) == (201, shown.id)


def test_what_cannot_be_said_is_explained(client: Client, with_sandbox: None) -> None:
    answer = client.post(reverse("sandbox:say"), WORDS | {"person": "Charlie"})
    assert answer.status_code == 400
    assert "Ann Moreau" in answer.json()["error"]


def test_nothing_is_said_without_a_token_of_the_page(with_sandbox: None) -> None:
    assert Client(enforce_csrf_checks=True).post(reverse("sandbox:say"), WORDS).status_code == 403


def test_a_sandbox_that_is_away_is_named_with_the_command_that_starts_it(
    client: Client, without_running_sandbox: None
) -> None:
    for answer in (client.post(reverse("sandbox:say"), WORDS), client.get(reverse("sandbox:stream"))):
        assert answer.status_code == 503
        assert "./hub up" in answer.json()["error"]


def test_the_stream_is_passed_on(with_sandbox: None) -> None:
    async def beginning() -> bytes:
        answer = await AsyncClient().get(reverse("sandbox:stream"))
        assert isinstance(answer, StreamingHttpResponse)
        assert answer.headers["Content-Type"] == "text/event-stream"
        chunks = aiter(answer)
        first = await anext(chunks)
        await chunks.aclose()  # type: ignore[attr-defined]
        return first

    assert asyncio.run(beginning()).startswith(b"event: panes\n")


# --- Crossings


@pytest.mark.django_db
def test_a_copy_tells_where_it_came_from_and_how_long_it_took(
    world: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    demo.seed(world)
    links = {link.installation.platform: link for link in ConversationLink.objects.select_related("installation")}
    heard = timezone.now()
    cross(links, "slack", heard, {"teams": 38, "webex": 51, "zoom": 44})
    with django_assert_num_queries(1):
        found = crossings.recent()
    assert found == {
        (slug, links[slug].external_id, f"id on {slug}"): ("slack", pause)
        for slug, pause in {"teams": 38, "webex": 51, "zoom": 44}.items()
    }


def cross(links: dict[str, ConversationLink], origin: str, heard: Any, pauses: dict[str, int]) -> None:
    """What the ledger holds after a message has crossed."""
    source = links[origin]
    event = InboundEvent.objects.create(
        installation=source.installation,
        link=source,
        event_id="1",
        kind=Kind.POSTED,
        message="original",
        received_at=heard,
    )
    message = RelayedMessage.objects.create(conversation=source.conversation, origin=source)
    MessageCopy.objects.create(message=message, link=source, external_id="original", created_at=heard)
    for slug, pause in pauses.items():
        said = heard + timedelta(milliseconds=pause)
        Delivery.objects.create(event=event, message=message, link=links[slug], state=Delivery.State.DONE)
        MessageCopy.objects.create(message=message, link=links[slug], external_id=f"id on {slug}", created_at=said)
