"""The manifests of the two apps that Zoom wants for us: one for the account, one for its people (§1.5). Pure.

In the shape of https://developers.zoom.us/docs/build-flow/manifests/schema/, as ``PUT /marketplace/apps/{appId}/manifest``
takes it. A manifest that mixes account-level and user-level scopes is refused, so there have to be two.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connectors.consent import Paper, Preset, Purpose, wanted
from connectors.zoom.events import events, events_of_people
from connectors.zoom.scopes import SCOPES, granular

CONNECTED = "/connect/zoom/callback/"
SIGNED_IN = "/account/zoom/login/callback/"
"""Pages of the Hub to which Zoom sends the browser back."""

SIGN_IN = "user_info:read"
"""The least that tells who signs in to the Hub with Zoom."""

NAMELESS = "hub"
"""The slash command of an app whose name has no letters that a command may have."""


def papers(hub: str, webhooks: str, preset: Preset, name: str) -> list[Paper]:
    """See ``Connects.papers``."""
    return [
        _paper("zoom-admin-managed.json", _for_the_account(hub, webhooks, preset, name)),
        _paper("zoom-user-managed.json", _for_people(hub, webhooks, preset, name)),
        Paper("Deauthorization notification endpoint URL", webhooks.encode()),
    ]


def command(name: str) -> str:
    """The slash command of an app, without the slash. Commands are shared by all apps of an account: its own name it is."""
    return "_".join(re.findall("[a-z0-9]+", name.lower())) or NAMELESS


def _paper(name: str, manifest: Mapping[str, Any]) -> Paper:
    body = json.dumps({"manifest": manifest}, ensure_ascii=False, indent=2)
    return Paper(name, body.encode(), "application/json")


def _for_the_account(hub: str, webhooks: str, preset: Preset, name: str) -> dict[str, Any]:
    asked = [scope.name for scope in wanted(SCOPES, Purpose.CONNECT, preset)]
    return {
        "display_information": {"display_name": name, "description": "Joins Zoom Team Chat to other chat platforms."},
        "oauth_information": _oauth("ADMIN_MANAGEMENT", [hub + CONNECTED], asked),
        "features": {
            "products": ["ZOOM_CHAT"],
            "team_chat_subscription": _chatbot(webhooks, name),
            "event_subscription": {
                "enable": True,
                "events": [_subscription(webhooks, events(asked), "Messages, channels and people")],
            },
        },
    }


def _for_people(hub: str, webhooks: str, preset: Preset, name: str) -> dict[str, Any]:
    """People sign in to the Hub with it; later they let the Hub hear and write direct messages for them."""
    asked = [scope.name for purpose in (Purpose.MESSAGES, Purpose.FILES) for scope in wanted(SCOPES, purpose, preset)]
    return {
        "display_information": {
            "display_name": f"{name} (people)",
            "description": "Tells the Hub who signs in, and carries direct messages.",
        },
        "oauth_information": _oauth("USER_OPERATION", [hub + SIGNED_IN, hub + CONNECTED], [SIGN_IN, *asked]),
        "features": {
            "products": ["ZOOM_CHAT"],
            "team_chat_subscription": {"enable": False, "enable_support_channel": False, "shortcuts": []},
            "event_subscription": {
                "enable": True,
                "events": [_subscription(webhooks, events_of_people(asked), "Direct messages")],
            },
        },
    }


def _oauth(usage: str, redirects: Sequence[str], scopes: Iterable[str]) -> dict[str, Any]:
    return {
        "usage": usage,
        "development_redirect_uri": redirects[0],
        "production_redirect_uri": redirects[0],
        "oauth_allow_list": list(redirects),
        "strict_mode": True,
        "subdomain_strict_mode": True,
        "scopes": [{"scope": scope, "optional": False} for scope in granular(scopes)],
    }


def _chatbot(webhooks: str, name: str) -> dict[str, Any]:
    slash = {
        "command": command(name),
        "command_hints": [],
        "enable_add_to_channel": True,
        "development_message_url": webhooks,
        "production_message_url": webhooks,
        "sender_type": "zoom",
        "welcome_msg": {"title": "", "body": ""},
        "trust_domain_list": [],
    }
    return {"enable": True, "enable_support_channel": False, "slash_command": slash, "shortcuts": []}


def _subscription(webhooks: str, names: Sequence[str], called: str) -> dict[str, Any]:
    urls = {"development_webhook_url": webhooks, "production_webhook_url": webhooks}
    return {"subscription_name": called, "event_types": list(names)} | urls
