"""Who the fake Slack's tokens speak for, and how they end: by time, given back, or the app removed (reference §1.4, §2.6)."""

from collections.abc import Iterable

from connectors.slack.sandbox_arguments import yes
from connectors.slack.sandbox_company import Method, Workspace
from connectors.slack.sandbox_records import Caller, Complaint, Object, id_of

FAREWELLS = ("tokens_revoked", "app_uninstalled")
"""The events that an app is told of even when it is no longer there; they name no authorization (§2.3)."""


def caller_of(workspace: Workspace, token: str) -> Caller:
    """Who speaks with a token that is good."""
    found = workspace.callers.get(token)
    if found is None or found.ended:
        raise Complaint(found.ended if found else "invalid_auth")
    if found.until <= workspace.clock():
        raise Complaint("token_expired")
    return found


def bot_caller(workspace: Workspace, scopes: Iterable[str]) -> Caller:
    """Our app itself."""
    return Caller(workspace.bot_user, workspace.bot_id, workspace.app_id, True, set(scopes))


def person_caller(workspace: Workspace, user: str, scopes: Iterable[str]) -> Caller:
    """Somebody for whom our app speaks; Slack has a bot profile of its own for that (§2.6)."""
    return Caller(user, id_of("B", "hub", user), workspace.app_id, False, set(scopes))


def uninstall(workspace: Workspace) -> None:
    """An administrator removes our app: all its tokens end, and Slack tells it twice."""
    _end(workspace, _ours(workspace), "account_inactive")


def auth_revoke(workspace: Workspace, caller: Caller, arguments: Object) -> Object:
    """Give back what one speaks for; with its last token the app is gone."""
    if yes(arguments, "test"):
        return {"revoked": False}
    mine = [other for other in workspace.callers.values() if (other.user, other.app_id) == (caller.user, caller.app_id)]
    _end(workspace, mine, "token_revoked")
    return {"revoked": True}


def _ours(workspace: Workspace) -> list[Caller]:
    return [caller for caller in workspace.callers.values() if caller.app_id == workspace.app_id and not caller.ended]


def _end(workspace: Workspace, callers: Iterable[Caller], why: str) -> None:
    ended = list(callers)
    for caller in ended:
        caller.ended = why
    if not any(caller.app_id == workspace.app_id for caller in ended):
        return  # of the outside client, which is no app of ours
    users = {kind: sorted({c.user for c in ended if c.is_bot == (kind == "bot")}) for kind in ("oauth", "bot")}
    workspace.installed = workspace.installed and not users["bot"]
    workspace.tell({"type": "tokens_revoked", "tokens": {kind: found for kind, found in users.items() if found}})
    if not _ours(workspace):
        workspace.tell({"type": "app_uninstalled"})


LEAVING: dict[str, Method] = {"auth.revoke": (auth_revoke, (), False)}
