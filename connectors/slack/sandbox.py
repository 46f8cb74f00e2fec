"""Slack in memory, as the sandbox hosts it: what its client shows and does, and the events it sends (reference §8)."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlencode

from connectors.calls import Response
from connectors.consent import Preset, Purpose, wanted
from connectors.contract import Credentials, Request
from connectors.html import to_html
from connectors.messages import (
    Account,
    AccountId,
    ConversationId,
    Kind,
    MessageId,
    Posted,
    Reference,
    WorkspaceId,
)
from connectors.richtext import ChannelMention, Inline, Mention, map_inlines
from connectors.sandbox import Fake, Person, Place, Shown, Webhook, digest
from connectors.sandbox_data import Data
from connectors.slack import sandbox_changes as changes
from connectors.slack.oauth import STEPS
from connectors.slack.parse import parse
from connectors.slack.plain_text import escape as escape_text
from connectors.slack.reactions import emoji_of, name_of
from connectors.slack.sandbox_api import respond
from connectors.slack.sandbox_chat import threaded
from connectors.slack.sandbox_company import Workspace
from connectors.slack.sandbox_events import envelope
from connectors.slack.sandbox_files import add_file, share
from connectors.slack.sandbox_names import give_name, give_topic
from connectors.slack.sandbox_oauth import Authority
from connectors.slack.sandbox_records import ANSWER_SECONDS, APP_NAME, Answers, Channel, Complaint, Object
from connectors.slack.sandbox_texts import typed
from connectors.slack.sandbox_tokens import FAREWELLS, uninstall
from connectors.slack.scopes import SCOPES
from connectors.slack.webhook import SLACKBOT, Signed, signature


class FakeSlack(Fake):
    """One workspace. Change what is in ``workspace`` to make trouble: take a scope, revoke a token, archive a channel."""

    slug = "slack"
    hosts = ("slack.com", "files.slack.com", "hooks.slack.com")
    calls_app = "/mio"
    retries = (1.0, 60.0, 300.0)

    def __init__(self, secrets: Signed, hub: str, clock: Callable[[], float] = time.time) -> None:
        super().__init__(secrets, hub, clock)
        self.workspace = Workspace(clock, self._send)
        self.authority = Authority(self.workspace, hub, lambda: self.app)

    def handle(self, request: Request) -> Response:
        return self.authority.handle(request) or respond(self.workspace, request)

    def people(self) -> list[Person]:
        ours = self.workspace
        return [Person(ours.name_of(user), user, token) for user, token in ours.persons().items()]

    def places(self) -> list[Place]:
        return [changes.place(channel) for channel in self.workspace.named_channels()]

    def add_place(self, name: str) -> Place:
        return changes.place(self.workspace.open(name, linked=False))

    def credentials(self) -> Credentials:
        ours = self.workspace
        extra = {"bot_id": ours.bot_id, "app_id": ours.app_id}
        return Credentials(WorkspaceId(ours.team), AccountId(ours.bot_user), {"bot": ours.bot_token}, extra)

    def revoke_app(self) -> None:
        """An administrator removes our app from the workspace."""
        uninstall(self.workspace)

    def chat_with(self, person: str) -> ConversationId:
        """Our app's direct message with somebody."""
        return self.chat([person, self.workspace.bot_user])

    def chat(self, people: Sequence[str]) -> ConversationId:
        return ConversationId(self.workspace.chat(people).id)

    def own_credentials(self, person: str, preset: Preset = Preset.PUBLISHED) -> Credentials:
        asked = {scope.name for scope in wanted(SCOPES, Purpose.MESSAGES, preset)}
        kind = STEPS[Purpose.MESSAGES][-1].yields
        tokens = {kind: self.authority.consent(person, asked)}
        return replace(self.credentials(), account=AccountId(person), tokens=tokens, person=kind)

    def directory(self) -> list[Account]:
        bots = (self.workspace.bot_user, SLACKBOT)
        return [
            Account(AccountId(user), actor.name, actor.email, "", user in bots, actor.is_guest, actor.is_gone)
            for user, actor in self.workspace.actors.items()
        ]

    def type_as(self, person: str, conversation: ConversationId, text: str) -> MessageId:
        return self._say(person, conversation, text, {})

    def reply_as(self, person: str, conversation: ConversationId, root: MessageId, text: str) -> MessageId:
        """Answer in a thread, as a person types it into the client."""
        thread = threaded(self.workspace.channels[conversation], {"thread_ts": root})
        return self._say(person, conversation, text, thread)

    def _say(self, person: str, conversation: ConversationId, text: str, more: Object) -> MessageId:
        plain, blocks = self._typed(text)
        author: Object = {"user": person, "team": self.workspace.team, "client_msg_id": digest(person, plain)[:32]}
        channel = self.workspace.channels[conversation]
        return MessageId(self.workspace.keep(channel, author | {"text": plain, "blocks": blocks} | more)["ts"])

    def _typed(self, text: str) -> tuple[str, list[Object]]:
        people = {self.workspace.name_of(user): user for user in self.workspace.persons()}
        channels = {channel.name: channel.id for channel in self.workspace.named_channels()}
        return typed(text, people | {APP_NAME: self.workspace.bot_user}, channels)

    def edit_as(self, person: str, conversation: ConversationId, message: MessageId, text: str) -> None:
        """Change what a person said; only their own messages can be."""
        channel, found = self._own(person, conversation, message)
        plain, blocks = self._typed(text)
        self.workspace.edit(channel, found, person, {"text": plain, "blocks": blocks})

    def delete_as(self, person: str, conversation: ConversationId, message: MessageId) -> None:
        """Delete what a person said."""
        self.workspace.remove(*self._own(person, conversation, message))

    def _own(self, person: str, conversation: ConversationId, message: MessageId) -> tuple[Channel, Object]:
        channel = self.workspace.channels[conversation]
        found = self.workspace.message(channel, message)
        if found.get("user") != person:
            raise Complaint("cant_update_message")
        return channel, found

    def react_as(
        self, person: str, conversation: ConversationId, message: MessageId, emoji: str, on: bool = True
    ) -> None:
        """Put an emoji (a character, or ``:name:``) on a message, or take it back."""
        channel = self.workspace.channels[conversation]
        found = self.workspace.message(channel, message)
        self.workspace.react(channel, found, person, name_of(emoji) or emoji, on)

    def share_as(self, person: str, conversation: ConversationId, name: str, data: bytes, text: str = "") -> MessageId:
        """Drop a file into the client, with or without words."""
        plain, blocks = self._typed(text) if text else ("", [])
        author: Object = {"user": person, "team": self.workspace.team, "text": plain}
        author |= {"blocks": blocks} if blocks else {}
        file = add_file(self.workspace, name, data, person)
        return MessageId(share(self.workspace, self.workspace.channels[conversation], [file], author)["ts"])

    def files(self, conversation: ConversationId) -> list[tuple[str, Data]]:
        """Names and contents of the files in a conversation, oldest first."""
        messages = self.workspace.channels[conversation].messages
        shown = (file["id"] for message in messages for file in message.get("files", ()))
        kept = (self.workspace.files[file] for file in shown if file in self.workspace.files)
        return [(file.told["name"], file.data) for file in kept]

    def unfurl(self, conversation: ConversationId, message: MessageId) -> None:
        """Show a preview of a link in a message, which Slack announces as a change."""
        channel = self.workspace.channels[conversation]
        found = self.workspace.message(channel, message)
        before = dict(found)
        found["attachments"] = [{"from_url": "https://example.com", "title": "Example", "id": 1}]
        self.workspace.change(channel, found, before)

    def join_as(self, person: str, conversation: ConversationId) -> None:
        """Come (back) into a channel."""
        changes.enter(self.workspace, self.workspace.channels[conversation], person)

    def leave_as(self, person: str, conversation: ConversationId) -> None:
        """Leave a channel."""
        changes.leave(self.workspace, self.workspace.channels[conversation], person, person)

    def rename_as(self, person: str, conversation: ConversationId, name: str) -> None:
        """Give a channel another name."""
        give_name(self.workspace, self.workspace.channels[conversation], person, name)

    def topic_as(self, person: str, conversation: ConversationId, topic: str) -> None:
        """Give a channel a topic."""
        give_topic(self.workspace, self.workspace.channels[conversation], person, escape_text(topic))

    def archive_as(self, person: str, conversation: ConversationId, archived: bool = True) -> None:
        """Archive a channel or bring it back."""
        changes.archive(self.workspace, self.workspace.channels[conversation], person, archived)

    def add_person(self, name: str, email: str, *, guest: bool = False) -> Person:
        """Somebody joins the workspace, and with it *general*; a guest is in no channel until invited."""
        user = changes.hire(self.workspace, name, email, is_guest=guest)
        return Person(name, user, self.workspace.persons()[user])

    def add_group(self, name: str, *people: str) -> str:
        """A user group of people by id, made by our app's installer; the same one for the same name."""
        return self.workspace.group(name, people).id

    def remove_person(self, person: str) -> None:
        """An administrator deactivates somebody."""
        changes.dismiss(self.workspace, person)

    def change_person(self, person: str, name: str, email: str) -> None:
        """Somebody is called otherwise now, or has another address."""
        changes.change(self.workspace, person, name, email)

    def rename_place(self, conversation: ConversationId, name: str) -> None:
        """Somebody of the company gives a channel another name."""
        self.rename_as(self._somebody(), conversation, name)

    def convert_place(self, conversation: ConversationId, *, is_private: bool) -> None:
        """Somebody makes a public channel private, or the other way round."""
        changes.convert(self.workspace, self.workspace.channels[conversation], self._somebody(), is_private=is_private)

    def delete_place(self, conversation: ConversationId) -> None:
        """An administrator deletes a channel for good."""
        changes.delete(self.workspace, self.workspace.channels[conversation], self._somebody())

    def _somebody(self) -> str:
        return next(iter(self.workspace.persons()))

    def populate(self, people: int, channels: int, members: int) -> None:
        """Make a large directory: ``person00001@bench.example`` …, ``bench-0001`` … with ``members`` of them each."""
        changes.populate(self.workspace, people, channels, members)

    def command_as(self, person: str, conversation: ConversationId, words: str) -> None:
        """Type ``/mio`` and ``words`` into the client; answers are in ``whispers``."""
        ours, channel = self.workspace, self.workspace.channels[conversation]
        ours.counter += 1
        trigger = digest("trigger", str(self.clock()), str(ours.counter))
        url = f"https://hooks.slack.com/commands/{ours.team}/{trigger[:12]}/{trigger[12:36]}"
        ours.answers[url] = Answers(channel.id, person, self.clock() + ANSWER_SECONDS)
        fields = {"token": "legacy", "team_id": ours.team, "team_domain": "acme", "channel_id": channel.id}
        fields |= {
            "channel_name": channel.name or "directmessage",
            "user_id": person,
            "user_name": ours.handle_of(person),
        }
        fields |= {"command": "/mio", "text": words, "api_app_id": ours.app_id, "is_enterprise_install": "false"}
        fields |= {"response_url": url, "trigger_id": f"{trigger[:10]}.{trigger[10:20]}"}
        self.deliver(self._webhook(urlencode(fields).encode(), "application/x-www-form-urlencoded"))

    def whispers(self, conversation: ConversationId) -> list[Shown]:
        found = [(user, told) for channel, user, told in self.workspace.whispers if channel == conversation]
        drawn = ((user, self._drawn(conversation, message)) for user, message in found)
        return [replace(shown, only_for=user) for user, shown in drawn if shown]

    def shown(self, conversation: ConversationId) -> list[Shown]:
        drawn = (self._drawn(conversation, message) for message in self.workspace.channels[conversation].messages)
        return [shown for shown in drawn if shown]

    def _drawn(self, conversation: ConversationId, message: Object) -> Shown | None:
        ts = MessageId(message["ts"])
        event = parse(message, Reference(Kind.POSTED, conversation, ts))
        if not isinstance(event, Posted):
            return None
        heard = event.message
        author = heard.author_name or self.workspace.name_of(heard.author)
        name_of = self.workspace.name_of
        reactions = message.get("reactions", ())
        return Shown(
            ts,
            author,
            message.get("icons", {}).get("image_48", ""),
            to_html(map_inlines(heard.body, self._named)),
            float(ts),
            message.get("app_id") == self.workspace.app_id and heard.author not in self.workspace.persons(),
            heard.thread,
            tuple((emoji_of(each["name"]), tuple(map(name_of, each["users"]))) for each in reactions),
            heard.edited_at is not None,
            tuple(file.name for file in heard.attachments),
        )

    def _named(self, inline: Inline) -> Inline:
        if isinstance(inline, Mention) and inline.account:
            return Mention(self.workspace.name_of(inline.account), inline.account)
        if isinstance(inline, ChannelMention) and inline.conversation in self.workspace.channels:
            return replace(inline, name=self.workspace.channels[inline.conversation].name)
        return inline

    def _send(self, event: Object, hearer: str = "") -> None:
        if self.workspace.installed or event["type"] in FAREWELLS:
            body = json.dumps(envelope(self.workspace, event, hearer))
            self.deliver(self._webhook(body.encode(), "application/json"))

    def _webhook(self, body: bytes, kind: str) -> Webhook:
        tries = 0

        def sign() -> Mapping[str, str]:
            nonlocal tries
            now = str(int(self.clock()))
            retry = {"x-slack-retry-num": str(tries), "x-slack-retry-reason": "http_error"} if tries else {}
            tries += 1
            proof = {"x-slack-request-timestamp": now}
            proof["x-slack-signature"] = signature(self.secrets.signing_secret, now, body)
            return {"content-type": kind, "user-agent": "Slackbot 1.0"} | proof | retry

        return Webhook(f"{self.hub}/webhooks/slack/", body, sign)
