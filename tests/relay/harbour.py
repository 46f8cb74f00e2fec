"""A small fifth platform that can make and enter channels: its connector, and its server in memory.

It stands where the others stand: ``connectors`` finds it as it finds them, and its calls go over HTTP.
"""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import ModuleType
from typing import Any

import pytest
import responses

import connectors
from accounts.models import Installation, Tenant
from accounts.tokens import keep
from connectors.calls import Call, Calls
from connectors.consent import Granted
from connectors.contract import Connector, Content, Envelope, Limits, Platform, Rendered, Reply, Request, Unit
from connectors.directory import ListsConversations, ManagesConversations, Page, Place
from connectors.errors import Refused
from connectors.messages import AccountId, ConversationId, Draft, Event, MessageId, Reference, Skipped, TeamId
from connectors.richtext import plain

HOST = "https://harbour.example"


@dataclass(frozen=True)
class Secrets:
    signing: str = field(default="", repr=False)


class Harbour(Connector, ListsConversations, ManagesConversations):
    platform = Platform("harbour", "Harbour", "#036", Limits(1000, Unit.CHARACTERS, 1000))
    Secrets = Secrets

    @classmethod
    def receive(cls, request: Request, secrets: Any) -> Reply | list[Envelope]:
        return []

    def parse(self, content: Content, reference: Reference) -> Event:
        return Skipped("nothing is told here")

    def render(self, draft: Draft) -> Rendered:
        text = plain(draft.body)
        return Rendered(draft.conversation, {"text": text}, len(text), draft.nonce)

    def post(self, rendered: Rendered) -> Calls[MessageId]:
        answer = yield self._call(f"/{rendered.conversation}/say", rendered.payload, repeatable=False)
        return MessageId(answer.json()["id"])

    def find(self, rendered: Rendered, since: datetime) -> Calls[list[MessageId]]:
        yield self._call("/find", {})
        return []

    def conversations(self, teams: Sequence[TeamId], cursor: str = "") -> Calls[Page[Place]]:
        answer = yield self._call("/list", {})
        return Page(tuple(Place(ConversationId(i), n, is_private=p) for i, n, p in answer.json()))

    def conversation(self, conversation: ConversationId) -> Calls[Place]:
        answer = yield self._call(f"/{conversation}", {})
        return Place(conversation, answer.json()["name"])

    @classmethod
    def legal_name(cls, name: str) -> str:
        return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "channel"

    def create(self, name: str, *, is_private: bool, team: TeamId, topic: str) -> Calls[Place]:
        wanted = {"name": name, "is_private": is_private, "topic": topic}
        answer = yield self._call("/make", wanted, repeatable=False)
        if "refusal" in answer.json():
            raise Refused(answer.json()["refusal"])
        return Place(ConversationId(answer.json()["id"]), name, topic, is_private=is_private)

    def enter(self, conversation: ConversationId) -> Calls[None]:
        answer = yield self._call(f"/{conversation}/enter", {})
        if "refusal" in answer.json():
            raise Refused(answer.json()["refusal"])

    def add(self, conversation: ConversationId, accounts: Sequence[AccountId]) -> Calls[dict[AccountId, str]]:
        yield self._call(f"/{conversation}/add", {"accounts": list(accounts)})
        return {}

    def remove(self, conversation: ConversationId, account: AccountId) -> Calls[None]:
        yield self._call(f"/{conversation}/remove", {"account": account})

    def _call(self, path: str, body: Any, *, repeatable: bool = True) -> Call:
        return Call("POST", f"{HOST}{path}", json=body, repeatable=repeatable)


class Server:
    """The platform itself: channels, what was said in them, and a mood."""

    def __init__(self) -> None:
        self.channels: dict[str, dict[str, Any]] = {}
        self.entered: list[str] = []
        self.said: list[tuple[str, str]] = []
        self.refusal = ""
        self.status = 200
        self.loses_answers = False

    def answer(self, request: Any) -> tuple[int, dict[str, str], str]:
        path, body = request.path_url, json.loads(request.body or "{}")
        if self.status != 200:
            return self.status, {"retry-after": "60"}, "{}"
        told = self._act(path, body)
        return (500, {}, "{}") if self.loses_answers else (200, {}, json.dumps(told))

    def _act(self, path: str, body: dict[str, Any]) -> Any:
        verb = path.rsplit("/", 1)[-1]
        if verb == "list":
            return [(i, one["name"], one["is_private"]) for i, one in self.channels.items()]
        if self.refusal and verb in ("make", "enter"):
            return {"refusal": self.refusal}
        if verb == "make":
            self.channels[number := f"H{len(self.channels) + 1}"] = body
            return {"id": number}
        if verb == "enter":
            self.entered.append(path.split("/")[1])
        if verb == "say":
            self.said.append((path.split("/")[1], body["text"]))
        return {"id": "m1"}


@pytest.fixture
def harbour(intercepted_requests: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The platform, found among the others for the time of a test."""
    server = Server()
    slugs = connectors.slugs()
    package, module = ModuleType("connectors.harbour"), ModuleType("connectors.harbour.connector")
    module.Harbour = Harbour  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "connectors.harbour", package)
    monkeypatch.setitem(sys.modules, "connectors.harbour.connector", module)
    monkeypatch.setattr(connectors, "slugs", lambda: (*slugs, "harbour"))
    intercepted_requests.remove("POST", re.compile(".*"))
    intercepted_requests.add_callback("POST", re.compile(f"{HOST}/.*"), callback=server.answer, content_type=None)
    yield server
    connectors.get.cache_clear()


def moored(tenant: Tenant, name: str = "Pier") -> Installation:
    """A connection to it."""
    row = Installation.objects.create(
        tenant=tenant, platform="harbour", workspace=f"{name}-{tenant.key}", name=name, account="A0"
    )
    keep(row, [Granted("bot", "token")])
    return row
