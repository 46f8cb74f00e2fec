"""A small fifth platform that can make and enter channels: its server in memory; its connector is in ``platforms/``.

``connectors`` finds it as it finds the others, and its calls go over HTTP.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import responses

import connectors
from accounts.models import Installation, Tenant
from accounts.tokens import keep
from connectors.consent import Granted

HOST = "https://harbour.example"


FOLDER = Path(__file__).parent / "platforms"
"""Where its folder stands, as ``connectors/`` is where those of the others stand."""


class Server:
    """The platform itself: channels, what was said in them, and a mood."""

    def __init__(self) -> None:
        self.channels: dict[str, dict[str, Any]] = {}
        self.entered: list[str] = []
        self.said: list[tuple[str, str]] = []
        self.refusal = ""
        self.added: list[tuple[str, list[str]]] = []
        self.unwelcome: dict[str, str] = {}
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
        if verb == "add":
            self.added.append((path.split("/")[1], body["accounts"]))
            return {one: self.unwelcome[one] for one in body["accounts"] if one in self.unwelcome}
        if verb == "say":
            self.said.append((path.split("/")[1], body["text"]))
        return {"id": "m1"}


@pytest.fixture
def harbour(intercepted_requests: responses.RequestsMock) -> Iterator[Server]:
    """The platform, found among the others for the time of a test."""
    server = Server()
    intercepted_requests.remove("POST", re.compile(".*"))
    intercepted_requests.add_callback("POST", re.compile(f"{HOST}/.*"), callback=server.answer, content_type=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connectors, "__path__", [*connectors.__path__, str(FOLDER)])
        _look_again()
        yield server
    _look_again()


def _look_again() -> None:
    connectors.slugs.cache_clear()
    connectors.get.cache_clear()


def moored(tenant: Tenant, name: str = "Pier") -> Installation:
    """A connection to it."""
    row = Installation.objects.create(
        tenant=tenant, platform="harbour", workspace=f"{name}-{tenant.key}", name=name, account="A0"
    )
    keep(row, [Granted("bot", "token")])
    return row
