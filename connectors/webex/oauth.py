"""How Webex is connected (reference §1.1 to §1.4, §3.8, §6.4): the service user signs in, and that is all.

Webex tells of no withdrawal: a token that is no longer accepted (401) is how one learns of it.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.calls import Call, Calls, Response
from connectors.consent import App, Granted, Identity, OAuth, Paper, Preset, Purpose, Step, wanted
from connectors.contract import Credentials
from connectors.errors import Gone, Malformed, Refused, Unavailable, WrongAccount
from connectors.messages import AccountId, WorkspaceId
from connectors.webex import ids
from connectors.webex.client import BASE, TOKEN, object_of, path_of, reading, text_of
from connectors.webex.judge import PASSING, judge
from connectors.webex.scopes import PERSON, SCOPES

NAME = "Message"
"""What the service user is to be called: a neutral sender, for its posts begin with their author's name (§6.4)."""
FULL_ADMINISTRATOR = "id_full_admin"
"""The value in the id of that role."""
LONGEST_LIFE = 10 * 366 * 86_400
"""Seconds of a token's life; Webex hands them out for 14 days. More is a broken answer."""
REVOKING = "https://idbroker.webex.com/idb/oauth2/v1/revoke"
"""Webex documents no call to give a token back; its own JavaScript SDK uses this one (§1.4)."""

_TRACKING = re.compile(r"[\w.-]{1,80}")

STEPS = {
    Purpose.CONNECT: (
        Step(
            "service user",
            "Sign in as the service user",
            f"{BASE}/authorize",
            {TOKEN: "scope"},
            TOKEN,
            extra={"prompt": "select_account"},
        ),
    ),
    Purpose.MESSAGES: (
        Step(
            "person",
            "Let the app write for you",
            f"{BASE}/authorize",
            {PERSON: "scope"},
            PERSON,
            extra={"prompt": "select_account"},
        ),
    ),
}
OAUTH = OAuth(f"{BASE}/access_token", "client_secret_post", early=0.5)
"""Renewed after half of its fourteen days, which renews the refresh token's ninety as well (§1.2)."""


@dataclass(frozen=True)
class Registration(App):
    """An integration at Webex, and beside it the operator's bot, which greets people: it has a token that never ends."""

    bot_token: str = field(default="", repr=False)


def granted(kind: str, answer: Mapping[str, Any]) -> list[Granted]:
    """One token. A refresh may bring the same refresh token again, or none; ``scope`` may be missing as well."""
    access, life = answer.get("access_token"), answer.get("expires_in")
    if not isinstance(access, str) or not access:
        raise Malformed(f"Webex gave no token{_tracked(answer)}")
    if isinstance(life, bool) or not isinstance(life, int | float) or not 0 < life < LONGEST_LIFE:
        raise Malformed("Webex did not say how long its token lives")
    scopes = frozenset(text_of(answer, "scope").split())
    return [Granted(kind, access, text_of(answer, "refresh_token"), float(life), scopes)]


def _tracked(answer: Mapping[str, Any]) -> str:
    """For Webex's support; its sentences are left out, as everywhere."""
    found = _TRACKING.fullmatch(text_of(answer, "trackingId"))
    return f" (tracking id {found[0]})" if found else ""


def identify() -> Calls[Identity]:
    """``GET /people/me`` and ``GET /organizations/{id}``; the second is answered to administrators only."""
    person = object_of((yield reading("/people/me", ("spark:people_read",), "people")))
    account, workspace = _account(person), _workspace(person)
    name = text_of(person, "displayName")
    organization = yield from _organization(text_of(person, "orgId"))
    if name.casefold() != NAME.casefold() and not organization and not _strings(person, "roles"):
        raise WrongAccount(
            f"“{name}” looks like somebody's own account: it is not called “{NAME}” and administers nothing. "
            "Sign in to Webex as the service user."
        )
    email = next(iter(_strings(person, "emails")), "")
    return Identity(
        workspace,
        organization or email.rpartition("@")[2] or workspace,
        account,
        name,
        email,
        tuple(_doubts(person, organization)),
    )


def identify_person() -> Calls[Identity]:
    """``GET /people/me`` with a person's own token."""
    person = object_of((yield replace(reading("/people/me", ("spark:people_read",), "people"), token=PERSON)))
    return Identity(_workspace(person), "", _account(person), text_of(person, "displayName"))


def _account(person: Mapping[str, Any]) -> AccountId:
    if text_of(person, "type") not in ("person", ""):
        raise WrongAccount("This is a bot's account. Sign in to Webex as the service user, who is a person to Webex.")
    found = ids.person(text_of(person, "id"))
    if found is None:
        raise Unavailable("Webex did not say whose token it is")
    return found


def _workspace(person: Mapping[str, Any]) -> WorkspaceId:
    try:
        return ids.workspace(text_of(person, "orgId"))
    except ValueError as error:
        raise Unavailable("Webex did not say to which organisation the account belongs") from error


def _organization(id_: str) -> Calls[str]:
    """Its name; empty where Webex does not tell it to this account."""
    scopes = ("spark-admin:organizations_read",)
    try:
        return text_of(
            object_of((yield reading(path_of("organizations", id_), scopes, "organizations"))), "displayName"
        )
    except (Refused, Gone):
        return ""


def _doubts(person: Mapping[str, Any], organization: str) -> list[str]:
    doubts = []
    if text_of(person, "displayName") != NAME:
        doubts.append(f"The account is not called “{NAME}”: people will read its name above what others wrote.")
    if not organization:
        doubts.append(
            "Webex does not tell this account what the organisation is called: it is no Full Administrator, or that was "
            "not allowed. The connection is named after its e-mail address."
        )
    elif "roles" in person and FULL_ADMINISTRATOR not in map(_value, _strings(person, "roles")):
        doubts.append("The account is not a Full Administrator.")
    if "licenses" in person and not _strings(person, "licenses"):
        doubts.append("The account has no licence: give it Advanced Messaging.")
    return doubts


def _value(id_: str) -> str:
    decoded = ids.decode(id_)
    return decoded[2] if decoded else id_


def _strings(data: Mapping[str, Any], name: str) -> list[str]:
    values = data.get(name)
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []


def revoke(credentials: Credentials, app: App) -> Calls[None]:
    """Ask to forget the service user's token, or a person's. Webhooks outlive it: they must be deleted before (§2.1)."""
    token = credentials.tokens.get(TOKEN) or credentials.tokens.get(PERSON, "")
    if not token:
        return
    proof = b64encode(f"{app.client_id}:{app.client_secret}".encode()).decode()
    yield Call(
        "POST",
        REVOKING,
        bucket="oauth",
        token="",
        form={"token": token, "token_type_hint": "access_token"},
        headers={"Authorization": f"Basic {proof}"},
        judge=_judge_revoking,
    )


def _judge_revoking(call: Call, response: Response) -> None:
    """Only trouble that passes counts: whatever else is said of a token that was to be forgotten, it is not used again."""
    if response.status == 429 or response.status in PASSING or response.status >= 500:
        judge(call, response)


def papers(hub: str, preset: Preset, name: str) -> list[Paper]:
    """The values of an integration and of a bot. OpenID's scopes need no tick (§1.1); webhooks are made by interface."""
    asked = [*wanted(SCOPES, Purpose.CONNECT, preset), *wanted(SCOPES, Purpose.MESSAGES, preset)]
    scopes = " ".join(dict.fromkeys(scope.name for scope in asked))
    values = {
        "Integration name": name,
        "Redirect URI for connecting": f"{hub}/connect/webex/callback/",
        "Redirect URI for signing in": f"{hub}/account/oidc/webex/login/callback/",
        "Scopes to tick": scopes,
        "Bot name": name,
    }
    return [Paper(label, value.encode()) for label, value in values.items()]
