"""A browser that goes from the Hub to a platform's consent page and back."""

import re
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.test import Client

from connectors.contract import Request
from connectors.sandbox import World
from tests.people import People

SIGNED_IN = {"slack": ["Ann Moreau"], "teams": ["Ann Moreau", "Mio Hub"], "webex": ["Message"], "zoom": ["Mio Hub"]}
"""As whom each step of connecting is taken in these tests: whoever the platform's set-up page says."""


def said(answer: Any) -> str:
    """The words of a page's middle."""
    middle = answer.content.decode().partition("<main")[2]
    return " ".join(re.sub(r"<[^>]+>", " ", middle).split())


@dataclass
class Traveller:
    """Somebody's browser in the Hub, and what the platforms show to it."""

    world: World
    people: People
    browser: Client

    def set_out(self, platform: str, preset: str = "full", **query: Any) -> str:
        """Press "Continue" on the scopes page; where the browser is sent."""
        address = f"/t/{self.people.acme.key}/platforms/{platform}/scopes/"
        answer = self.browser.post(f"{address}?{urlencode(query)}", {"preset": preset}, secure=True)
        found = re.search(r'url=(https://[^"]+)"', answer.content.decode())
        assert found, said(answer)
        return unescape(found[1])

    def decide(self, address: str, person: str, decision: str = "allow") -> str:
        """Choose an account and a button on the platform's page; where the browser is sent back to, path and query."""
        parts = urlsplit(address)
        assert parts.hostname
        page = self._ask(parts.hostname, address, "GET")
        assert page.status == 200, page.body
        body = urlencode({"person": self._value(page.body.decode(), person), "decision": decision}).encode()
        answer = self._ask(parts.hostname, address, "POST", body)
        assert answer.status in (302, 303), answer.body
        back = urlsplit(answer.headers.get("location") or answer.headers["Location"])
        return f"{back.path}?{back.query}"

    def _ask(self, host: str, address: str, method: str, body: bytes = b"") -> Any:
        bare, _, query = address.partition("?")
        headers = {"host": host, "content-type": "application/x-www-form-urlencoded"}
        return self.world.answer(host, Request(method, bare, headers, dict(parse_qsl(query)), body))

    def _value(self, html: str, person: str) -> str:
        options = re.findall(r'<option[^>]*value="([^"]*)"[^>]*>([^<]*)', html)
        return next(unescape(value) for value, label in options if person in unescape(label))

    def come_back(self, address: str) -> Any:
        """The callback's answer."""
        return self.browser.get(address, secure=True)

    def connect(self, platform: str, preset: str = "full", **query: Any) -> Any:
        """The whole way; the page at its end."""
        address = self.set_out(platform, preset, **query)
        for step, person in enumerate(SIGNED_IN[platform], 1):
            answer = self.come_back(self.decide(address, person))
            if step < len(SIGNED_IN[platform]):
                address = self.onward(answer)
        assert answer.status_code == 302, said(answer)
        return self.browser.get(answer.headers["Location"], secure=True)

    def onward(self, answer: Any) -> str:
        """Where the button of a page between two steps leads."""
        found = re.findall(r'class="button"[^>]*href="(https://[^"]+)"', answer.content.decode())
        assert found, said(answer)
        return unescape(found[0])
