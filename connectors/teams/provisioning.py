"""Accounts found by their addresses; guests invited and deleted (reference teams.md §3.6, §3.7). Nothing here does I/O.

An address is looked for among ``mail`` and the mail aliases, which administrators keep. The sign-in name is no address, and
further addresses (``otherMails``) prove nothing.

Guests are invited by the application and deleted by the service user: the application's own permission to delete would
reach everybody of the tenant, whereas the service user's reaches as far as the role of a User Administrator, and no further
than whoever connected it wants.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from connectors.calls import Call, Calls, Response
from connectors.errors import Gone, Refused, Unavailable
from connectors.messages import Account, AccountId
from connectors.naming import one_line, shortened
from connectors.provisioning import Found, is_address
from connectors.teams.client import GRAPH, READ_ERROR_BYTES, judge
from connectors.teams.directory import PERSON, account_of, listed, quoted, reading
from connectors.teams.scopes import APP, SERVICE
from connectors.teams.values import mapping, mappings, string

LONGEST_NAME = 256
"""Of ``displayName``, in UTF-16 units."""
LANDING = "https://teams.microsoft.com"
"""Where a guest arrives who ever accepts: an invitation must name a page, though nobody is written to."""

_USABLE = ("Enabled", "Warning")
"""States of a plan in which it can be used; the second is the period of grace after its end."""

_OWN = (
    "this address is that of an account of the organisation's own, beside which there can be no guest: see that it may "
    "sign in and has a licence for Teams"
)
_BLOCKED = "the guest account of this address is blocked from signing in: unblock or delete it in Entra"
_NO_REASON = "Microsoft did not take this invitation, without saying why"
_SETTINGS = "in Entra, under External Identities → External collaboration settings"
_REFUSALS: Sequence[tuple[str, str]] = (
    (
        "not allowed for your company",
        f"the organisation lets nobody invite guests: see the guest invite settings {_SETTINGS}",
    ),
    ("cross-tenant", "the organisation's cross-tenant access settings keep the organisation of this person out"),
    ("domain", f"the organisation invites no guests of this domain: see the collaboration restrictions {_SETTINGS}"),
    ("already exists", _OWN),
    ("quota", "the organisation's directory holds as many accounts as Microsoft allows"),
)
"""Words of a refusal, and what to tell of it: the first, second and fourth are known from tenants, none is documented."""
_NOT_A_GUEST = "this is not a guest who was invited but somebody's own account, which is never deleted"
_MAY_NOT_DELETE = (
    "Microsoft does not let the service user delete guests: give it the role of a User Administrator, or delete the guest "
    "in Entra"
)


def look_up(emails: Sequence[str]) -> Calls[dict[str, Found]]:
    """By ``mail``, and whoever is not found so by the aliases: two calls at most. What is no address is left out."""
    wanted = [email.lower() for email in emails if is_address(email)]
    found = yield from _matching(f"mail in ({','.join(map(quoted, wanted))})", wanted)
    rest = [email for email in wanted if email not in found]
    aliases = (f"proxyAddresses/any(p:p eq {quoted(f'smtp:{email}')})" for email in rest)
    return found | (yield from _matching(" or ".join(aliases), rest))


def _matching(condition: str, wanted: Collection[str]) -> Calls[dict[str, Found]]:
    """Of several accounts of one address the licensed one, then a member before a guest."""
    if not wanted:
        return {}
    query = {"$select": f"{PERSON},assignedPlans", "$filter": condition}
    users = mappings(listed((yield reading("/users", "User.Read.All", "list users", query=query))).get("value"))
    known = [(user, _found(user)) for user in users if string(user.get("id"))]
    known.sort(key=lambda one: (one[1].is_licensed, not one[1].account.is_guest, one[1].account.id))
    return {address: found for user, found in known for address in _addresses(user) if address in wanted}


def _found(user: Mapping[str, Any]) -> Found:
    """Guests need no licence; whoever may not sign in cannot chat, licence or not."""
    account = account_of(user)
    return Found(account, not account.is_deleted and (account.is_guest or _has_teams(user)))


def _has_teams(user: Mapping[str, Any]) -> bool:
    """Whether a licence with Teams in it is assigned, and Teams not switched off in it."""
    plans = mappings(user.get("assignedPlans"))
    return any(plan.get("service") == "TeamspaceAPI" and plan.get("capabilityStatus") in _USABLE for plan in plans)


def _addresses(user: Mapping[str, Any]) -> list[str]:
    aliases = user.get("proxyAddresses")
    named = [string(alias).lower() for alias in aliases] if isinstance(aliases, list) else []
    return [
        string(user.get("mail")).lower(),
        *(alias.removeprefix("smtp:") for alias in named if alias.startswith("smtp:")),
    ]


def provision(email: str, name: str, message: str = "") -> Calls[Account]:
    """Looked up first, since Graph says of an account that exists only that it does (§3.7).

    For up to 15 minutes Graph may not know the guest elsewhere, and inviting again names the same one.
    """
    if not is_address(email):
        raise Refused("this is no e-mail address")
    if standing := (yield from look_up([email])).get(email.lower()):
        return _standing(standing)
    shown = shortened(one_line(name), LONGEST_NAME) or email
    named = {"invitedUserEmailAddress": email, "invitedUserDisplayName": shown, "invitedUserType": "Guest"}
    sent: dict[str, Any] = {**named, "inviteRedirectUrl": LANDING, "sendInvitationMessage": bool(message)}
    if message:
        sent["invitedUserMessageInfo"] = {"customizedMessageBody": message}
    url, scopes = f"{GRAPH}/invitations", ("User.Invite.All",)
    answer = yield Call("POST", url, scopes, "invite guest", APP, json=sent, judge=_judge_invitation)
    guest = string(mapping(mapping(answer.json()).get("invitedUser")).get("id"))
    if not guest:
        raise Unavailable("Microsoft invited a guest without naming the account")
    return Account(AccountId(guest), shown, email, is_guest=True)


def _standing(found: Found) -> Account:
    if not found.account.is_guest:
        raise Refused(_OWN)
    if found.account.is_deleted:
        raise Refused(_BLOCKED)
    return found.account


def discard(account: AccountId) -> Calls[None]:
    """Looked at first: whoever was invited and is a guest is deleted, nobody else. Entra can restore it for 30 days.

    A guest made less than 15 minutes ago may look gone while it is not (§3.7).
    """
    path = f"/users/{quote(account, safe='')}"
    query = {"$select": "id,userType,creationType"}
    try:
        user = mapping((yield reading(path, "User.Read.All", "get user", query=query)).json())
        if [user.get(name) for name in ("id", "userType", "creationType")] != [account, "Guest", "Invitation"]:
            raise Refused(_NOT_A_GUEST)
        scopes = ("User.DeleteRestore.All",)
        yield Call("DELETE", GRAPH + path, scopes, "delete user", SERVICE, judge=_judge_deletion)
    except Gone:
        return


def _judge_invitation(call: Call, response: Response) -> None:
    if response.status in (400, 403):
        said = response.body[:READ_ERROR_BYTES].decode("utf-8", "replace").lower()
        for words, reason in _REFUSALS:
            if words in said:
                raise Refused(reason)
    if response.status == 400:
        raise Refused(_NO_REASON)
    judge(call, response)


def _judge_deletion(call: Call, response: Response) -> None:
    """The directory says the same of a missing role as of a missing permission; only the latter may be named."""
    if response.status == 403 and b"missing scope" not in response.body[:READ_ERROR_BYTES].lower():
        raise Refused(_MAY_NOT_DELETE)
    judge(call, response)
