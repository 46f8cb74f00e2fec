"""The manifest from which an administrator makes an app of their own (reference §8.3). Pure."""

import json
from collections.abc import Mapping
from typing import Any

from connectors.consent import Paper, Preset, Purpose, wanted
from connectors.naming import one_line, shortened
from connectors.slack.events import EVENTS, EVENTS_OF_PEOPLE
from connectors.slack.names import legal_name
from connectors.slack.scopes import SCOPES

LONGEST_APP_NAME, LONGEST_COMMAND = 35, 32
"""Characters, the command's stroke included: Slack's schema of manifests."""

SIGN_IN = ("email", "openid", "profile")
"""Without these in its manifest an app cannot be used to sign in with Slack. Nobody is asked for them when connecting."""

_DESCRIPTION = "Carries messages between Slack, Microsoft Teams, Webex and Zoom."


def papers(hub: str, webhooks: str, preset: Preset, name: str) -> list[Paper]:
    """One file, to be pasted where Slack asks for a manifest."""
    body = json.dumps(_manifest(hub, webhooks, preset, one_line(name)), indent=2, ensure_ascii=False)
    return [Paper("slack-app-manifest.json", body.encode(), "application/json")]


def _manifest(hub: str, webhooks: str, preset: Preset, name: str) -> dict[str, Any]:
    bot = [scope.name for scope in wanted(SCOPES, Purpose.CONNECT, preset)]
    people = [scope.name for scope in wanted(SCOPES, Purpose.MESSAGES, preset)]
    returns = [f"{hub}/connect/slack/callback/", f"{hub}/account/slack/login/callback/"]
    shown = shortened(name, LONGEST_APP_NAME)
    events = {"bot_events": _events(EVENTS, bot), "user_events": _events(EVENTS_OF_PEOPLE, people)}
    return {
        "display_information": {"name": shown, "description": _DESCRIPTION},
        "features": {
            "app_home": {"messages_tab_enabled": True, "messages_tab_read_only_enabled": False},
            "bot_user": {"display_name": shown, "always_online": True},
            "slash_commands": [_command(webhooks, name)],
        },
        "oauth_config": {"redirect_urls": returns, "scopes": {"bot": bot, "user": [*SIGN_IN, *people]}},
        "settings": {
            "event_subscriptions": {"request_url": webhooks} | events,
            "interactivity": {"is_enabled": True, "request_url": webhooks},
            "org_deploy_enabled": False,
            "socket_mode_enabled": False,
            "token_rotation_enabled": True,
        },
    }


def _command(webhooks: str, name: str) -> dict[str, Any]:
    word = "/" + legal_name(name)[: LONGEST_COMMAND - 1].rstrip("-_")
    about = {"description": "Ask who is in this conversation, or for help", "usage_hint": "help", "should_escape": True}
    return {"command": word, "url": webhooks} | about


def _events(known: Mapping[str, tuple[str, ...]], scopes: list[str]) -> list[str]:
    """What the scopes let us hear of: Slack refuses a manifest with an event that lacks its scope."""
    return [event for event, any_of in known.items() if not any_of or set(any_of) & set(scopes)]
