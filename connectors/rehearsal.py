"""A connector on stage with its own fake: what it says is stored, fetched and read again, all in memory.

Nothing leaves the process and nothing outlives the rehearsal. So it can be measured, instead of claimed, what becomes of
a text on a platform.
"""

import json
from dataclasses import dataclass, fields, replace
from urllib.parse import parse_qsl, urlsplit

import connectors
from connectors.calls import Calls, Response, T
from connectors.contract import Content, DeletesMessages, EditsMessages, FetchesMessages, Reacts, Request
from connectors.errors import NotSupported
from connectors.http import Outgoing, drive_blocking
from connectors.messages import AccountId, ConversationId, Draft, Kind, Message, MessageId, Posted, Reference
from connectors.richtext import ChannelMention, Document, Inline, Mention, document, map_inlines
from connectors.sandbox import fake_class

SOMEBODY = AccountId("somebody")
"""Stands in a document for a person who has an account on every platform."""
HERE = ConversationId("here")
"""Stands in a document for the conversation itself."""


@dataclass(frozen=True, slots=True)
class Said:
    """What became of one document: the payload of every part, as JSON, and the messages the platform then had."""

    payloads: tuple[str, ...]
    messages: tuple[Message, ...]

    @property
    def body(self) -> Document:
        """All that arrived, as one document."""
        return document(block for message in self.messages for block in message.body.blocks)


class Rehearsal:
    """One platform, alone and fresh. Methods raise the connector's errors, and ``NotSupported`` where it lacks an ability."""

    def __init__(self, slug: str) -> None:
        connector = connectors.get(slug)
        secrets = connector.Secrets(**{field.name: "rehearsal" for field in fields(connector.Secrets)})
        self._fake = fake_class(slug)(secrets, "https://hub.example")
        self.connector = connector(self._fake.credentials())
        self._place = self._fake.places()[0]
        own = self.connector.own_accounts
        self._somebody = next(account for account in self._fake.directory() if account.id not in own)

    def say(self, body: Document, thread: MessageId | None = None) -> Said:
        """Post ``body``, in as many parts as the platform needs, and read it back."""
        parts = self.connector.parts(self._draft(body, thread))
        messages = tuple(self.hear(self._run(self.connector.post(part))) for part in parts)
        return Said(tuple(json.dumps(part.payload, indent=2, ensure_ascii=False) for part in parts), messages)

    def hear(self, message: MessageId) -> Message:
        """A message as it stands. Raises ``Gone``."""
        reference = Reference(Kind.POSTED, self._place.conversation, message)
        event = self.connector.parse(self._fetched(reference), reference)
        if not isinstance(event, Posted):
            raise LookupError("the platform does not tell of this message")
        return replace(event.message, body=map_inlines(event.message.body, self._looked_up))

    def edit(self, message: MessageId, body: Document) -> None:
        """Replace the text of a message."""
        if not isinstance(self.connector, EditsMessages):
            raise NotSupported
        self._run(self.connector.edit(message, self.connector.render(self._draft(body))))

    def delete(self, message: MessageId) -> None:
        """Take a message back."""
        if not isinstance(self.connector, DeletesMessages):
            raise NotSupported
        self._run(self.connector.delete(self._place.conversation, message))

    def react(self, message: MessageId, emoji: str) -> frozenset[str]:
        """Put an emoji on a message; returns all that people then see there."""
        if not isinstance(self.connector, Reacts):
            raise NotSupported
        self._run(self.connector.react(self._place.conversation, message, emoji, True))
        shown = next(one for one in self._fake.shown(self._place.conversation) if one.id == message)
        return frozenset(emoji for emoji, _ in shown.reactions)

    def drawn(self) -> list[str]:
        """All messages as the platform's client draws them: HTML that is safe to insert, oldest first."""
        return [message.html for message in self._fake.shown(self._place.conversation)]

    def local(self, inline: Inline) -> Inline:
        """``SOMEBODY`` and ``HERE`` as this platform knows them; anything else as it is."""
        match inline:
            case Mention(account=account) if account == SOMEBODY:
                return Mention(self._somebody.name, self._somebody.id, self._somebody.email)
            case ChannelMention(conversation=conversation) if conversation == HERE:
                return ChannelMention(self._place.name, self._place.conversation)
        return inline

    def _looked_up(self, inline: Inline) -> Inline:
        """Where only the id is told, people see the name all the same."""
        if isinstance(inline, Mention) and inline.account == self._somebody.id:
            return Mention(self._somebody.name, inline.account)
        return inline

    def _draft(self, body: Document, thread: MessageId | None = None) -> Draft:
        return Draft(self._place.conversation, body, "rehearsal", thread=thread)

    def _fetched(self, reference: Reference) -> Content:
        if not isinstance(self.connector, FetchesMessages):
            raise NotSupported
        return self._run(self.connector.fetch(reference))

    def _run(self, calls: Calls[T]) -> T:
        return drive_blocking(calls, self._answer, self.connector.credentials)

    def _answer(self, outgoing: Outgoing) -> Response:
        url = urlsplit(outgoing.url)
        headers = {name.lower(): value for name, value in outgoing.headers.items()}
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        address = f"https://{url.netloc}{url.path}"
        return self._fake.handle(Request(outgoing.method, address, headers, query, outgoing.body or b""))
