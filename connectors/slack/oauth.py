"""Being added to a workspace: steps, tokens, and whose they are (reference §1). Nothing here does I/O.

Codes are not bound to a PKCE challenge: Slack takes one only from apps that keep no secret, for good, and refuses those that
send theirs along. The state and our secret protect a code.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from connectors.calls import Calls, Response
from connectors.consent import Granted, Identity, OAuth, Purpose, Step
from connectors.errors import Malformed, Refused, Unavailable, WrongAccount
from connectors.messages import AccountId, WorkspaceId
from connectors.slack.ids import is_id
from connectors.slack.rich_text import Object, text_of
from connectors.slack.web import API, asking, inner, judge

_CONSENT = "https://slack.com/oauth/v2/authorize"

STEPS: dict[Purpose, tuple[Step, ...]] = {
    Purpose.CONNECT: (
        Step("workspace", "Add the app to your workspace", _CONSENT, {"bot": "scope"}, "bot", ",", pkce=False),
    ),
    Purpose.MESSAGES: (
        Step("person", "Let the app write for you", _CONSENT, {"person": "user_scope"}, "person", ",", pkce=False),
    ),
}
OAUTH = OAuth(API + "oauth.v2.access", "client_secret_basic")

NAMELESS = "nameless"
"""The key in ``extra`` of a workspace where we may not post under other names than our own."""
_RENAMES = "chat:write.customize"
_GRANTED = "x-oauth-scopes"
"""The header of every answer that lists what a token may do (§1.4)."""

_KINDS = {"bot": "bot", "user": "person"}
_REVOKED = ("account_inactive", "invalid_auth", "token_revoked")


def granted(kind: str, answer: Mapping[str, Any]) -> list[Granted]:
    """The app's token and a person's, whichever there are; the latter stands apart, or alone after a refresh (§1.2, §1.3)."""
    found = [token for outer in (answer, inner(answer, "authed_user")) for token in _tokens(outer)]
    if kind not in (token.kind for token in found):
        raise Malformed("Slack handed out no such token")
    return found


def _tokens(outer: Object) -> list[Granted]:
    kind, access = _KINDS.get(text_of(outer, "token_type")), text_of(outer, "access_token")
    if kind is None or not access:
        return []
    scopes = frozenset(filter(None, text_of(outer, "scope").split(",")))
    return [Granted(kind, access, text_of(outer, "refresh_token"), _lifetime(outer), scopes)]


def _lifetime(outer: Object) -> float | None:
    """Only tokens that rotate end by themselves."""
    seconds = outer.get("expires_in")
    return float(seconds) if isinstance(seconds, int) and seconds > 0 else None


def identify() -> Calls[Identity]:
    """``auth.test``, which needs no scope, tells the workspace and our bot in it, and its headers what we may do."""
    response = yield asking("auth.test")
    who = response.json()
    if who.get("is_enterprise_install") is True:
        raise WrongAccount("the app was added to a whole Enterprise organisation: add it to one workspace instead")
    team, user, bot = (text_of(who, key) for key in ("team_id", "user_id", "bot_id"))
    if not (is_id(team) and is_id(user)):
        raise Refused("Slack did not say which workspace this is")
    if not is_id(bot):
        raise WrongAccount("Slack let us speak for a person and not for the app: add the app to the workspace")
    extra = {"bot_id": bot} | ({"app_id": who["app_id"]} if is_id(who.get("app_id")) else {}) | _voice(response)
    return Identity(WorkspaceId(team), text_of(who, "team"), AccountId(user), text_of(who, "user"), extra=extra)


def identify_person() -> Calls[Identity]:
    """The same, of a person's token."""
    who = (yield replace(asking("auth.test"), token="person")).json()  # noqa: S106 (a kind of token)
    team, user = text_of(who, "team_id"), text_of(who, "user_id")
    if not (is_id(team) and is_id(user)):
        raise Unavailable("Slack did not say whose consent this is")
    return Identity(WorkspaceId(team), text_of(who, "team"), AccountId(user), text_of(who, "user"))


def _voice(response: Response) -> dict[str, str]:
    told = response.headers.get(_GRANTED)
    return {NAMELESS: "yes"} if told and _RENAMES not in map(str.strip, told.split(",")) else {}


def revoke(kinds: Iterable[str]) -> Calls[None]:
    """``auth.revoke``; with its last token Slack removes the app from the workspace (§1.4)."""
    for kind in kinds:
        yield replace(asking("auth.revoke"), token=kind, judge=partial(judge, settled=_REVOKED))
