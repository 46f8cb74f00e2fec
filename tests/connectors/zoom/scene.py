"""The fake Zoom, what it is asked and what it tells, and Zoom's own specification of both."""

import json
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from connectors.calls import Call, Response, T
from connectors.contract import Envelope, Rendered, Request
from connectors.http import Outgoing, drive_blocking
from connectors.messages import Byline, ConversationId, Draft, Event, MessageId, Posted
from connectors.richtext import Document, Mention, Paragraph, Text, document
from connectors.sandbox import Webhook
from connectors.zoom.connector import Secrets, Zoom
from connectors.zoom.sandbox import FakeZoom

SECRETS = Secrets("miohub-zoom-secret")
SPECS = Path(__file__).parents[4] / "shared" / "specs" / "zoom"
needs_specs = pytest.mark.skipif(not SPECS.is_dir(), reason="Zoom's specification is not at hand")
SEND = Call("POST", "https://api.zoom.us/v2/x", repeatable=False)


class Now:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC).timestamp()

    def __call__(self) -> float:
        return self.at


def carried(fake: FakeZoom, outgoing: Outgoing) -> Response:
    url = urlsplit(outgoing.url)
    headers = {name.lower(): value for name, value in outgoing.headers.items()}
    query = dict(parse_qsl(url.query))
    address = f"https://{url.netloc}{url.path}"
    return fake.handle(Request(outgoing.method, address, headers, query, outgoing.body or b""))


def run(fake: FakeZoom, zoom: Zoom, calls: Generator[Call, Response, T]) -> T:
    return drive_blocking(calls, lambda outgoing: carried(fake, outgoing), zoom.credentials)


def ask(fake: FakeZoom, method: str, path: str, body: Any = None, token: str = "", **query: str) -> tuple[int, Any]:
    token = token or fake.credentials().tokens["admin"]
    raw = b"" if body is None else json.dumps(body).encode()
    headers = {"authorization": f"Bearer {token}"}
    response = fake.handle(Request(method, f"https://api.zoom.us/v2{path}", headers, query, raw))
    return response.status, json.loads(response.body)


def said(text: str, *first: Mention) -> Document:
    return document([Paragraph((*first, Text(text)))])


def written(zoom: Zoom, general: ConversationId, body: Document, thread: MessageId | None = None) -> Rendered:
    return zoom.render(Draft(general, body, "n", Byline("Ann Moreau", "Slack"), thread))


def listen(webhook: Webhook, zoom: Zoom) -> tuple[Envelope, Event]:
    envelopes = Zoom.receive(Request("POST", webhook.url, webhook.sign(), {}, webhook.body), SECRETS)
    assert isinstance(envelopes, list)
    return envelopes[0], zoom.parse(envelopes[0].content or {}, envelopes[0].reference)


def hear(webhook: Webhook, zoom: Zoom) -> Posted:
    """The message that a webhook brings."""
    envelope, event = listen(webhook, zoom)
    assert envelope.workspace == zoom.credentials.workspace
    assert isinstance(event, Posted)
    return event


def heard(webhooks: list[Webhook], zoom: Zoom) -> list[Event]:
    """What the waiting webhooks say, in order; they are taken."""
    events = [listen(webhook, zoom)[1] for webhook in webhooks]
    webhooks.clear()
    return events


def answered(status: int, body: Any = None, **headers: str) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, raw, {name.replace("_", "-"): value for name, value in headers.items()})


def specification(name: str) -> Any:
    return json.loads((SPECS / name).read_text(encoding="utf-8"))


def operation(method: str, path: str) -> Any:
    paths: dict[str, Any] = {}
    for name in ("team-chat", "chatbot", "users-subset"):
        paths |= specification(f"{name}.openapi.json")["paths"]
    return paths[path][method.lower()]


def strict(schema: Any) -> Any:
    """Objects may hold nothing that the specification does not name."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: strict(part) for name, part in schema.items()}
    if schema.get("type") == "object" and isinstance(schema.get("properties"), dict):
        schema["additionalProperties"] = False
    return schema
