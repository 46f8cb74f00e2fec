"""How a tenant of Microsoft Entra ID is connected (reference teams.md §1).

An administrator approves the app for the tenant, which gives no code; then the service user signs in there. What came back
from the first is proven by the second alone: ``identify`` looks whether the service user belongs to that very tenant.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from connectors.calls import Call, Calls
from connectors.consent import Granted, Identity, OAuth, Purpose, Step
from connectors.contract import Credentials
from connectors.errors import Gone, Malformed, Refused, Unavailable, WrongAccount
from connectors.messages import AccountId, WorkspaceId
from connectors.teams.client import GRAPH, judge
from connectors.teams.directory import email
from connectors.teams.scopes import APP, PERSON, SERVICE
from connectors.teams.values import mapping, mappings, string

TENANT = "https://login.microsoftonline.com/{workspace}"
ALL_REGISTERED = "https://graph.microsoft.com/.default"
"""Stands for every permission of Graph in the app's registration; an application's own come in no other way (§1.7)."""
SHORTEST_LIFE = 3600.0
"""Seconds. Microsoft draws 60 to 90 minutes, and tells which; without a readable number it is the least (§1.4)."""
ROLE = "#microsoft.graph.directoryRole"
ROLE_PAGES = 10
"""Pages of a hundred groups: a service user belongs to few, and the search ends with its first role."""
KEPT = "offline_access"
"""Never named among the scopes of an answer: what shows that it was granted is the refresh token (§1.4)."""

STEPS: Mapping[Purpose, tuple[Step, ...]] = {
    Purpose.CONNECT: (
        Step(
            name="admin",
            title="Approve the app for your organisation, as its administrator",
            authorize=f"{TENANT}/v2.0/adminconsent",
            asks={APP: "", SERVICE: ""},
            yields="",
            extra={"scope": ALL_REGISTERED},
            pkce=False,
        ),
        Step(
            name="service",
            title="Sign in as the service user",
            authorize=f"{TENANT}/oauth2/v2.0/authorize",
            asks={SERVICE: "scope"},
            yields=SERVICE,
            extra={"prompt": "select_account"},
        ),
    ),
    Purpose.MESSAGES: (
        Step(
            name="person",
            title="Let the app write for you",
            authorize=f"{TENANT}/oauth2/v2.0/authorize",
            asks={PERSON: "scope"},
            yields=PERSON,
            extra={"prompt": "select_account"},
        ),
    ),
}
CONSENT_NEEDED = frozenset({"consent_required", "interaction_required"})
APPROVAL_NEEDED = ("AADSTS90094:", "AADSTS65001:")
"""How ``error_description`` begins where an administrator has to allow the app first (§1.8). It comes with ``access_denied``,
as a person's own no does: here the number alone tells the two apart."""

OAUTH = OAuth(f"{TENANT}/oauth2/v2.0/token", "client_secret_post", minted={APP: ALL_REGISTERED})


def granted(kind: str, answer: Mapping[str, Any]) -> list[Granted]:
    """One token. What the application's own may do stands in it and nowhere else."""
    access, refresh = string(answer.get("access_token")), string(answer.get("refresh_token"))
    if not access:
        raise Malformed("Microsoft answered without a token")
    scopes = _roles(access) if kind == APP else _scopes(string(answer.get("scope")))
    return [Granted(kind, access, refresh, _life(answer.get("expires_in")), scopes | ({KEPT} if refresh else set()))]


def _scopes(text: str) -> frozenset[str]:
    return frozenset(name.removeprefix("https://graph.microsoft.com/") for name in text.split())


def _roles(token: str) -> frozenset[str]:
    """What an application's token says of itself, for show: Microsoft may encrypt it one day, and then it says nothing."""
    try:
        payload = token.split(".")[1]
        claims = mapping(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))
    except (IndexError, ValueError, RecursionError):
        return frozenset()
    roles = claims.get("roles")
    return frozenset(filter(None, map(string, roles))) if isinstance(roles, list) else frozenset()


def _life(seconds: object) -> float:
    try:
        told = float(string(seconds) or seconds)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return SHORTEST_LIFE
    return min(told, 24 * SHORTEST_LIFE) if told > 0 else SHORTEST_LIFE


def awaits_approval(answer: Mapping[str, str]) -> bool:
    """Whether nobody of the organisation can consent before its administrator has."""
    return answer.get("error") in CONSENT_NEEDED or answer.get("error_description", "").startswith(APPROVAL_NEEDED)


def identify_person() -> Calls[Identity]:
    """Who consented for themselves, and in which organisation (§1.9: the pair of both is the person)."""
    listed = mappings(mapping((yield _own("/organization", "id,displayName", PERSON)).json()).get("value"))
    organisation = next((one for one in listed if string(one.get("id"))), None)
    user = mapping((yield _own("/me", "id,displayName", PERSON)).json())
    if not string(user.get("id")):
        raise Unavailable("Microsoft did not say who signed in")
    if organisation is None:
        raise WrongAccount("This is a personal Microsoft account.")
    workspace, name = WorkspaceId(organisation["id"].lower()), string(organisation.get("displayName"))
    return Identity(workspace, name, AccountId(string(user["id"])), string(user.get("displayName")))


def identify(credentials: Credentials) -> Calls[Identity]:
    """Who signed in as the service user, and where. ``User.Read`` suffices for all of it (§3.6)."""
    organisation = yield from _organisation(credentials.workspace)
    user = mapping((yield _own("/me", "id,displayName,mail,proxyAddresses,userType")).json())
    account = string(user.get("id"))
    if not account:
        raise Unavailable("Microsoft did not say who signed in")
    if user.get("userType") == "Guest":
        raise WrongAccount(
            "This account is a guest there. Sign in with a member of the organisation: the service user."
        )
    doubts = (yield from _doubts_of_roles()) + (yield from _doubts_of_licence(account))
    return Identity(
        workspace=WorkspaceId(string(organisation.get("id")).lower()),
        workspace_name=string(organisation.get("displayName")),
        account=AccountId(account),
        account_name=string(user.get("displayName")),
        email=email(user),
        doubts=doubts,
    )


def _organisation(expected: str) -> Calls[Mapping[str, Any]]:
    """The tenant of the account. What a redirection told before is only believed where this says the same (§1.7)."""
    listed = mapping((yield _own("/organization", "id,displayName")).json()).get("value")
    organisation = next((one for one in mappings(listed) if string(one.get("id"))), None)
    if organisation is None:
        raise WrongAccount("This is a personal Microsoft account. Sign in with the service user of your organisation.")
    if expected and organisation["id"].lower() != expected.lower():
        raise WrongAccount(
            "This account belongs to another organisation than the one whose administrator approved the app. Sign in with "
            "the service user of that organisation."
        )
    return organisation


def _doubts_of_roles() -> Calls[tuple[str, ...]]:
    """Somebody entrusted with a directory role must have chosen this account: once an organisation has approved the app, any
    of its members could otherwise bring it into a Hub of their own. With ``User.Read`` Graph names the kinds of what one
    belongs to, though not the names."""
    call = _own("/me/transitiveMemberOf", "id")
    for _ in range(ROLE_PAGES):
        try:
            answer = mapping((yield call).json())
        except (Refused, Gone):
            return ("We could not see whether this account has an administrator's role. Use only one that has.",)
        if any(one.get("@odata.type") == ROLE for one in mappings(answer.get("value"))):
            return ()
        following = string(answer.get("@odata.nextLink"))
        if not following.startswith(f"{GRAPH}/"):
            break
        call = replace(call, url=following, query=None)
    raise WrongAccount(
        "This account has no administrator's role, so it looks like somebody's own. Sign in with the service user, and give "
        "it a role such as Teams Administrator first."
    )


def _doubts_of_licence(account: str) -> Calls[tuple[str, ...]]:
    path = f"/users/{quote(account, safe='')}/licenseDetails/getTeamsLicensingDetails"
    try:
        answer = mapping((yield _own(path)).json())
    except (Refused, Gone):
        return ("We could not see whether this account has a licence for Teams. Without one it cannot post.",)
    if answer.get("hasTeamsLicense") is False:
        raise WrongAccount("This account has no licence for Teams. Give it one, or sign in with an account that has.")
    return ()


def _own(path: str, select: str = "", token: str = SERVICE) -> Call:
    query = {"$select": select} if select else None
    return Call("GET", GRAPH + path, ("User.Read",), "get user", token, query=query, judge=judge)


def revoke() -> Calls[None]:
    """Nothing to call: Microsoft takes tokens back for nobody but the tenant's own administrator (§1.11), and the one call
    that ends sessions would sign the service user out everywhere."""
    yield from ()
