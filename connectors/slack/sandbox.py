"""Slack in memory, as the sandbox hosts it: what its client shows and does, and the events it sends (reference §8)."""

import json
import time
from collections.abc import Callable, Mapping

from connectors.calls import Response
from connectors.contract import Credentials, Request
from connectors.html import to_html
from connectors.messages import Account, AccountId, ConversationId, Kind, MessageId, Posted, Reference, WorkspaceId
from connectors.richtext import Inline, Mention, map_inlines
from connectors.sandbox import Fake, Person, Place, Shown, Webhook, digest
from connectors.slack.parse import parse
from connectors.slack.sandbox_api import respond
from connectors.slack.sandbox_company import APP_NAME, Channel, Object, Workspace, without
from connectors.slack.sandbox_texts import typed
from connectors.slack.webhook import Signed, signature


class FakeSlack(Fake):
    """One workspace. Change what is in ``workspace`` to make trouble: take a scope, revoke a token, archive a channel."""

    slug = "slack"
    hosts = ("slack.com",)
    retries = (1.0, 60.0, 300.0)

    def __init__(self, secrets: Signed, hub: str, clock: Callable[[], float] = time.time) -> None:
        super().__init__(secrets, hub, clock)
        self.workspace = Workspace(clock, self._announce)

    def handle(self, request: Request) -> Response:
        return respond(self.workspace, request)

    def people(self) -> list[Person]:
        tokens = {caller.user: token for token, caller in self.workspace.callers.items()}
        return [Person(actor.name, user, tokens[user]) for user, actor in self.workspace.actors.items()]

    def places(self) -> list[Place]:
        return [_place(channel) for channel in self.workspace.channels.values()]

    def add_place(self, name: str) -> Place:
        return _place(self.workspace.open(name, linked=False))

    def credentials(self) -> Credentials:
        ours = self.workspace
        extra = {"bot_id": ours.bot_id, "app_id": ours.app_id}
        return Credentials(WorkspaceId(ours.team), AccountId(ours.bot_user), {"bot": ours.bot_token}, extra)

    def directory(self) -> list[Account]:
        actors = self.workspace.actors.items()
        people = [Account(AccountId(user), actor.name, actor.email) for user, actor in actors]
        return [*people, Account(AccountId(self.workspace.bot_user), APP_NAME, is_bot=True)]

    def type_as(self, person: str, conversation: ConversationId, text: str) -> MessageId:
        plain, blocks = typed(text, {actor.name: user for user, actor in self.workspace.actors.items()})
        author: Object = {"user": person, "team": self.workspace.team, "client_msg_id": digest(person, plain)[:32]}
        channel = self.workspace.channels[conversation]
        return MessageId(self.workspace.keep(channel, author | {"text": plain, "blocks": blocks})["ts"])

    def shown(self, conversation: ConversationId) -> list[Shown]:
        drawn = (self._drawn(conversation, message) for message in self.workspace.channels[conversation].messages)
        return [shown for shown in drawn if shown]

    def _drawn(self, conversation: ConversationId, message: Object) -> Shown | None:
        ts = MessageId(message["ts"])
        event = parse(message, Reference(Kind.POSTED, conversation, ts))
        if not isinstance(event, Posted):
            return None
        author = event.message.author_name or self.workspace.name_of(event.message.author)
        html = to_html(map_inlines(event.message.body, self._named))
        avatar = message.get("icons", {}).get("image_48", "")
        return Shown(ts, author, avatar, html, float(ts), message.get("app_id") == self.workspace.app_id)

    def _named(self, inline: Inline) -> Inline:
        if isinstance(inline, Mention) and inline.account:
            return Mention(self.workspace.name_of(inline.account), inline.account)
        return inline

    def _announce(self, message: Object, channel: Channel) -> None:
        """Tell the Hub, as Slack does for every message of a channel our app is in, its own included."""
        event = _in_event(message) | {"channel": channel.id, "event_ts": message["ts"]}
        self._send(event | {"channel_type": "channel"})
        if f"<@{self.workspace.bot_user}>" in message["text"]:
            self._send(event | {"type": "app_mention"})

    def _send(self, event: Object) -> None:
        event_id = "Ev" + digest(event["channel"], event["ts"], event["type"])[:10].upper()
        ours = self.workspace
        installed: Object = {"enterprise_id": None, "team_id": ours.team, "user_id": ours.bot_user, "is_bot": True}
        outer: Object = {"token": "legacy", "team_id": ours.team, "api_app_id": ours.app_id, "event": event}
        outer |= {"type": "event_callback", "event_id": event_id, "event_time": int(self.clock())}
        outer |= {"authorizations": [installed | {"is_enterprise_install": False}], "is_ext_shared_channel": False}
        self.deliver(self._webhook(json.dumps(outer).encode()))

    def _webhook(self, body: bytes) -> Webhook:
        tries = 0

        def sign() -> Mapping[str, str]:
            nonlocal tries
            now = str(int(self.clock()))
            retry = {"x-slack-retry-num": str(tries), "x-slack-retry-reason": "http_error"} if tries else {}
            tries += 1
            proof = {"x-slack-request-timestamp": now}
            proof["x-slack-signature"] = signature(self.secrets.signing_secret, now, body)
            return {"content-type": "application/json", "user-agent": "Slackbot 1.0"} | proof | retry

        return Webhook(f"{self.hub}/webhooks/slack/", body, sign)


def _place(channel: Channel) -> Place:
    return Place(channel.name, channel.id, ConversationId(channel.id), channel.linked)


def _in_event(message: Object) -> Object:
    """Events carry the type of a message's metadata and not what is in it (§2.7)."""
    return message | {"metadata": without(message["metadata"], "event_payload")} if "metadata" in message else message
