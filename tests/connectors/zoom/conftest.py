"""A fake Zoom whose clock a test moves, what it told the Hub, and our connector to it."""

import pytest

from connectors.messages import ConversationId
from connectors.sandbox import Webhook
from connectors.zoom.connector import Zoom
from connectors.zoom.sandbox import FakeZoom
from tests.connectors.zoom.scene import SECRETS, Now


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def fake(now: Now) -> FakeZoom:
    return FakeZoom(SECRETS, "https://hub.example.com", now)


@pytest.fixture
def webhooks(fake: FakeZoom) -> list[Webhook]:
    sent: list[Webhook] = []
    fake.deliver = sent.append
    return sent


@pytest.fixture
def zoom(fake: FakeZoom) -> Zoom:
    return Zoom(fake.credentials())


@pytest.fixture
def general(fake: FakeZoom) -> ConversationId:
    return fake.places()[0].conversation
