"""Which platforms one can sign up and in with: those with which the operator has registered an app."""

from collections.abc import Mapping
from typing import Any

from connectors.consent import App

OFFERS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "webex": (
        "openid_connect",
        "Webex",
        {"server_url": "https://webexapis.com/v1", "token_auth_method": "client_secret_post", "oauth_pkce_enabled": True},
    ),
    "slack": ("slack", "Slack", {}),  # its sign-in knows no PKCE; the state binds the answer to the browser
    "teams": (
        "microsoft",
        "Microsoft",
        {"tenant": "organizations", "scope": ["openid", "profile", "User.Read"], "oauth_pkce_enabled": True},
    ),
    "zoom": ("zoom", "Zoom", {"scope": [], "oauth_pkce_enabled": True}),
}  # fmt: skip
"""By platform: allauth's name of the provider, the label of the button, allauth's settings of the app. Scopes are the least
that tell who somebody is; Zoom takes them from the app's own registration."""

IDS = {"teams": "microsoft"}
"""Where the address of a sign-in does not carry the platform's own name."""


def providers(apps: Mapping[str, App]) -> dict[str, Any]:
    """allauth's ``SOCIALACCOUNT_PROVIDERS`` from the operator's apps, by platform; one without a client id is not offered."""
    offered: dict[str, Any] = {}
    for platform, (provider, label, settings) in OFFERS.items():
        client_id, secret = _proof(apps.get(platform))
        if client_id:
            app = {"provider_id": IDS.get(platform, platform), "name": label, "settings": settings}
            offered[provider] = {"APPS": [{**app, "client_id": client_id, "secret": secret}]}
    return offered


def _proof(app: App | None) -> tuple[str, str]:
    """Id and secret of the app with which people sign in: Zoom has one apart from that which administrators install."""
    if app is None:
        return "", ""
    own = getattr(app, "user_client_id", ""), getattr(app, "user_client_secret", "")
    return own if own[0] else (app.client_id, app.client_secret)
