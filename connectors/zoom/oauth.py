"""Being let into a Zoom account: the consent's one step, its tokens, whose they are, and giving them back (§1). No I/O.

Two kinds of token are needed. An administrator's consent gives ``admin``, with the scopes that the app is registered with;
the chatbot's ``bot`` our app gets for itself.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.calls import Call, Calls, Response, judge_status
from connectors.consent import App, Granted, Identity, OAuth, Purpose, Step
from connectors.contract import Credentials
from connectors.errors import Malformed, Refused, Unavailable, WrongAccount
from connectors.zoom import client, ids
from connectors.zoom.judging import told
from connectors.zoom.scopes import ADMIN, BOT, USER, known

HOST = "https://zoom.us"

LIFETIME = 3600.0
"""Seconds that an access token lives, where Zoom does not say it in a way we can read (§1.3)."""

OAUTH = OAuth(f"{HOST}/oauth/token", "client_secret_basic", minted={BOT: ""})
STEPS: Mapping[Purpose, tuple[Step, ...]] = {
    Purpose.CONNECT: (
        Step(
            name="account",
            title="Sign in to Zoom as the administrator in whose name the Hub will write",
            authorize=f"{HOST}/oauth/authorize",
            asks={ADMIN: ""},
            yields=ADMIN,
        ),
    ),
    Purpose.MESSAGES: (
        Step(
            name="person",
            title="Let the app write for you",
            authorize=f"{HOST}/oauth/authorize",
            asks={USER: ""},
            yields=USER,
        ),
    ),
}

_MEMBER = "2"
_OWN_ROLES = ("0", "1")
"""Ids of Zoom's own roles: the owner, administrators, members. Roles that an account made up have longer ones."""

_BAD_APP = ("invalid_client", "unauthorized_client")


@dataclass(frozen=True)
class Registration(App):
    """The admin-managed app as its pages in Zoom's console show it, and the user-managed app with which people sign in.

    ``robot_jid`` is the *Bot JID*, ``bot_name`` what the chatbot is called in channels. Both come back to ``identify`` in
    ``Credentials.extra``, since no call tells them.
    """

    robot_jid: str = ""
    bot_name: str = ""
    user_client_id: str = ""
    user_client_secret: str = field(default="", repr=False)

    @property
    def ids(self) -> Mapping[str, str]:
        return {"robot_jid": self.robot_jid, "bot_name": self.bot_name}

    @property
    def for_people(self) -> App:
        return App(self.user_client_id, self.user_client_secret)


class _Secret(dict[str, str]):
    """What must not show in a repr of a call."""

    def __repr__(self) -> str:
        return "{…}"


def granted(kind: str, answer: Mapping[str, Any]) -> list[Granted]:
    """See ``Connects.granted``. Raises ``WrongAccount`` where an account's consent was wanted and a person's was given."""
    access = answer.get("access_token")
    if not isinstance(access, str) or not access:
        raise Malformed("Zoom's answer holds no token")
    names = frozenset(str(answer.get("scope") or "").split())
    if kind == ADMIN and names and not any(name.endswith(":admin") for name in names):
        raise WrongAccount(
            "this consent is for one person only, because the Zoom app is user-managed: connecting takes the app that is"
            " admin-managed"
        )
    refresh = answer.get("refresh_token")
    lifetime = _seconds(answer.get("expires_in"))
    return [Granted(kind, access, refresh if isinstance(refresh, str) else "", lifetime, known(names))]


def _seconds(value: object) -> float:
    """Scalars change type at Zoom (§2.5); nine digits are more than any token lives."""
    digits = str(value)[:9]
    return float(digits) if digits.isascii() and digits.isdigit() and int(digits) else LIFETIME


def identify(credentials: Credentials) -> Calls[Identity]:
    """See ``Connects.identify``: one call, ``GET /users/me``."""
    user = yield from client.person("me")
    workspace, account = ids.workspace(user.get("account_id")), ids.account(user.get("id"))
    if not (workspace and account):
        raise Unavailable("Zoom does not say whose consent this is")
    name, email = client.name_of(user), ids.readable(user.get("email"))
    role_id, role = ids.opaque(user.get("role_id")), ids.readable(user.get("role_name"))
    if role_id == _MEMBER or role.lower() == "member":
        raise WrongAccount(
            f"{name} is an ordinary member of the Zoom account: it takes its owner or an administrator to connect it"
        )
    own = {key: value for key in ("robot_jid", "bot_name") if (value := credentials.extra.get(key, ""))}
    return Identity(
        workspace=workspace,
        workspace_name=ids.readable(user.get("company")) or email.rpartition("@")[2] or workspace,
        account=account,
        account_name=name,
        email=email,
        doubts=tuple(_doubts(role_id, role, own)),
        extra={"email": email, **own},
    )


def identify_person() -> Calls[Identity]:
    """See ``Connects.identify_person``."""
    user = yield from client.myself()
    workspace, account = ids.workspace(user.get("account_id")), ids.account(user.get("id"))
    if not (workspace and account):
        raise Unavailable("Zoom does not say whose consent this is")
    return Identity(workspace, ids.readable(user.get("company")), account, client.name_of(user))


def _doubts(role_id: str, role: str, own: Mapping[str, str]) -> list[str]:
    doubts = []
    if role_id not in _OWN_ROLES and role.lower() not in ("owner", "admin"):
        doubts.append(
            f"The Hub cannot see what the role {role or 'of this account'} allows. Posting, editing and reacting need it to"
            " include View and Edit of both Chat Messages and Chat Channels."
        )
    if "robot_jid" not in own:
        doubts.append("The app's Bot JID is not on record, so answers to commands will be read by the whole channel.")
    return doubts


def revoke(credentials: Credentials, app: App) -> Calls[None]:
    """See ``Connects.revoke``: the access token takes its refresh token along (§1.1). The chatbot's ends by itself."""
    token = credentials.tokens.get(ADMIN) or credentials.tokens.get(USER)
    if not token:
        return
    basic = base64.b64encode(f"{app.client_id}:{app.client_secret}".encode()).decode()
    headers, form = _Secret(Authorization=f"Basic {basic}"), _Secret(token=token)
    yield Call("POST", f"{HOST}/oauth/revoke", token="", headers=headers, form=form, judge=_judge_revocation)


def _judge_revocation(call: Call, response: Response) -> None:
    """A token that Zoom no longer knows is as good as revoked."""
    if response.status in (400, 401):
        if told(response).get("error") in _BAD_APP:
            raise Refused("Zoom does not know the app by the client id and secret on record")
        return
    judge_status(call, response)
