"""How Harbour speaks, a platform that only tests know."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.calls import Call, Calls
from connectors.contract import Connector, Content, Envelope, Limits, Platform, Rendered, Reply, Request, Unit
from connectors.directory import ListsConversations, ManagesConversations, Page, Place
from connectors.errors import Refused
from connectors.messages import AccountId, ConversationId, Draft, Event, MessageId, Reference, Skipped, TeamId
from connectors.richtext import plain
from tests.relay.harbour import HOST


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
        answer = yield self._call(f"/{conversation}/add", {"accounts": list(accounts)})
        return {AccountId(account): reason for account, reason in answer.json().items()}

    def remove(self, conversation: ConversationId, account: AccountId) -> Calls[None]:
        yield self._call(f"/{conversation}/remove", {"account": account})

    def _call(self, path: str, body: Any, *, repeatable: bool = True) -> Call:
        return Call("POST", f"{HOST}{path}", json=body, repeatable=repeatable)
