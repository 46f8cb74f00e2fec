"""A conversation at the fake Webex, and our connection to it."""

from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

from connectors.calls import Call, Calls, Response
from connectors.contract import Request
from connectors.errors import ConnectorError
from connectors.http import Outgoing
from connectors.messages import (
    Byline,
    Draft,
    Event,
    MessageId,
    Reference,
    Skipped,
)
from connectors.richtext import Paragraph, Text, document
from connectors.sandbox import Person, Place, Webhook
from connectors.webex.connector import Secrets, Webex
from connectors.webex.sandbox import FakeWebex
from tests.connectors.given import uploaded

SECRETS = Secrets("hub-secret-1")
T = TypeVar("T")


class Scene:
    """A fake Webex whose clock ticks a second at each look, our connection to it, and what it told the Hub."""

    def __init__(self) -> None:
        clock = iter(range(1_772_446_530, 1_772_546_530))
        self.webex = FakeWebex(SECRETS, "https://hub.example.com", lambda: float(next(clock)))
        self.hooks: list[Webhook] = []
        self.webex.deliver = self.hooks.append
        self.speaker = Webex(self.webex.credentials())
        self.sent: list[Call] = []

    @property
    def place(self) -> Place:
        return self.webex.places()[0]

    def person(self, name: str) -> Person:
        return next(person for person in self.webex.people() if person.name.startswith(name))

    def run(self, calls: Calls[T], data: bytes = b"") -> T:
        """Drive a client method; ``data`` is the file of the call that uploads one."""
        return uploaded(self._watched(calls), self.answer, self.speaker.credentials, data)

    def _watched(self, calls: Calls[T]) -> Calls[T]:
        try:
            call = next(calls)
            while True:
                self.sent.append(call)
                try:
                    response = yield call
                except ConnectorError as error:
                    call = calls.throw(error)
                else:
                    call = calls.send(response)
        except StopIteration as end:
            result: T = end.value
            return result

    def answer(self, outgoing: Outgoing) -> Response:
        url = urlsplit(outgoing.url)
        headers = {name.lower(): value for name, value in outgoing.headers.items()}
        address, body = f"https://{url.netloc}{url.path}", outgoing.body or b""
        return self.webex.handle(Request(outgoing.method, address, headers, dict(parse_qsl(url.query)), body))

    def told(self) -> list[Reference]:
        """What the Hub was told since it was last asked."""
        references = []
        for hook in self.hooks:
            headers = {name.lower(): value for name, value in hook.sign().items()}
            received = Webex.receive(Request("POST", hook.url, headers, {}, hook.body), SECRETS)
            assert isinstance(received, list)
            references += [envelope.reference for envelope in received]
        self.hooks.clear()
        return references

    def heard(self) -> Event:
        """What happened, of which the Hub was told: what is skipped counts only where nothing else was told."""
        events = [self.speaker.parse(self.run(self.speaker.fetch(told)), told) for told in self.told()]
        (event,) = [event for event in events if not isinstance(event, Skipped)] or events
        return event

    def post(self, text: str, thread: MessageId | None = None) -> MessageId:
        return self.run(self.speaker.post(self.speaker.render(self.draft(text, thread))))

    def draft(self, text: str, thread: MessageId | None = None) -> Draft:
        body = document([Paragraph((Text(text),))])
        return Draft(self.place.conversation, body, "n", Byline("Ann Moreau", "Slack"), thread)

    def shown(self) -> list[tuple[str, MessageId | None, bool]]:
        """Text, thread and whether edited, of every message in the space."""
        shown = self.webex.shown(self.place.conversation)
        return [(one.html.removeprefix("<p>").removesuffix("</p>"), one.thread, one.edited) for one in shown]
