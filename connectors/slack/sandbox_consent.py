"""The pages of the fake Slack on which somebody lets an app in, and the words it has for what an app may do."""

from collections.abc import Iterable, Mapping
from html import escape

from connectors.calls import Response
from connectors.sandbox import COMPANY
from connectors.slack.sandbox_records import APP_NAME
from connectors.slack.scopes import SCOPES

_SHARED = frozenset({
    "channels:history", "channels:read", "channels:write.invites", "channels:write.topic", "chat:write", "dnd:read",
    "emoji:read", "files:read", "files:write", "groups:history", "groups:read", "groups:write", "groups:write.invites",
    "groups:write.topic", "im:history", "im:read", "im:write", "im:write.topic", "links:read", "mpim:history",
    "mpim:read", "mpim:write", "mpim:write.topic", "pins:read", "reactions:read", "reactions:write", "team:read",
    "usergroups:read", "users.profile:read", "users:read", "users:read.email", "users:write",
})  # fmt: skip
_BOTS = {
    "app_mentions:read", "assistant:write", "channels:join", "channels:manage", "chat:write.customize",
    "chat:write.public", "commands", "conversations.connect:write", "metadata.message:read",
}  # fmt: skip
BOT_CATALOGUE = _SHARED | _BOTS
USER_CATALOGUE = _SHARED | {"channels:write", "search:read", "stars:read"}
"""The names that Slack knows; one that it does not spoils the whole request (§1.1)."""

SIGN_IN = {
    "openid": "Know who you are in the workspace",
    "email": "See your e-mail address",
    "profile": "See your name and picture",
}

_WORDS = {(scope.token, scope.name): scope.description for scope in SCOPES}
_STYLE = (
    "body{margin:0;background:#f8f8f8;color:#1d1c1d;font:16px/1.5 Lato,sans-serif}"
    "header{background:#4a154b;color:#fff;padding:12px 24px;font-weight:900}"
    "main{max-width:34rem;margin:32px auto;padding:24px;background:#fff;border:1px solid #ddd;border-radius:8px}"
    "h1{font-size:1.5rem;line-height:1.25}h2{font-size:1rem}select,button{font:inherit;padding:8px 16px;border-radius:4px}"
    "select{width:100%;border:1px solid #868686;background:#fff;color:inherit}footer{margin-top:24px;text-align:right}"
    "button{border:1px solid #868686;background:#fff;color:#1d1c1d}"
    "button[value=allow]{margin-left:8px;border-color:#007a5a;background:#007a5a;color:#fff;font-weight:700}"
)


def in_words(kind: str, scopes: Iterable[str]) -> list[str]:
    """What scopes of a kind of token allow, as the page tells it."""
    return [_WORDS.get((kind, scope)) or SIGN_IN.get(scope) or scope for scope in scopes]


def consent_page(people: Mapping[str, str], asked: Iterable[str]) -> Response:
    """Who says it (names by id), to what, and yes or no; posted to the address of the page itself."""
    options = "".join(f'<option value="{escape(user)}">{escape(name)}</option>' for user, name in people.items())
    items = "".join(f"<li>{escape(words)}</li>" for words in asked)
    return _page(
        200,
        f"{APP_NAME} is requesting permission to access the {COMPANY} workspace",
        f'<form method="post"><label for="person">Signed in as</label>'
        f'<select id="person" name="person">{options}</select>'
        f"<h2>What will {APP_NAME} be able to do?</h2><ul>{items}</ul>"
        '<footer><button name="decision" value="deny">Cancel</button>'
        '<button name="decision" value="allow">Allow</button></footer></form>',
    )


def refusal_page(reason: str) -> Response:
    """Slack's own page for a request that it does not take: nothing comes back to the app (§1.1)."""
    return _page(400, "Something went wrong when authorizing this app", f"<p>{escape(reason)}</p>")


def _page(status: int, title: str, body: str) -> Response:
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title} | Slack</title>'
    text = f'<!doctype html><html lang="en"><head>{head}<style>{_STYLE}</style></head>'
    text += f"<body><header>Slack</header><main><h1>{title}</h1>{body}</main></body></html>"
    return Response(status, text.encode(), {"content-type": "text/html; charset=utf-8", "cache-control": "no-store"})
