"""The webhooks that people of the fake Webex register (reference §2.1, §2.2)."""

from urllib.parse import parse_qsl

from connectors.webex.sandbox_asked import NO_SCOPE, Answer, Asked, Problem, paged
from connectors.webex.sandbox_forms import given_fields, text_field
from connectors.webex.sandbox_state import Hook

HOOK_FIELDS = ("name", "targetUrl", "resource", "event", "filter")
HOOK_SCOPES = {
    "messages": "spark:messages_read",
    "memberships": "spark:memberships_read",
    "rooms": "spark:rooms_read",
    "attachmentActions": "spark:messages_read",
    "all": "spark:messages_read",
}
"""The resources of webhooks, and what their owner must be allowed to read (§2.1)."""
HOOK_EVENTS = frozenset(["created", "updated", "deleted", "migrated", "all"])
HOOK_FILTERS = frozenset(["roomId", "roomType", "personId", "personEmail"])


def list_hooks(asked: Asked) -> Answer:
    hooks = asked.company.hooks
    ours = [id_ for id_, hook in hooks.items() if hook.owner == asked.member.id]
    return paged(asked, ours, lambda id_: hooks[id_].told)


def post_hook(asked: Asked) -> Answer:
    given = given_fields(asked.request, (*HOOK_FIELDS, "secret"))
    for name in ("name", "targetUrl", "resource", "event"):
        if not text_field(given, name):
            raise Problem(400, f"{name} cannot be null")
    scope = HOOK_SCOPES.get(given["resource"])
    if scope is None or given["event"] not in HOOK_EVENTS:
        raise Problem(400, "Invalid resource or event")
    if scope not in asked.member.scopes:
        raise Problem(403, NO_SCOPE)
    for name, value in parse_qsl(text_field(given, "filter")):
        if name not in HOOK_FILTERS or (name == "roomId" and value not in asked.company.rooms):
            raise Problem(400, f"invalid value for filter: {name}")
    fields = {name: given[name] for name in HOOK_FIELDS if name in given}
    return 200, asked.company.add_hook(asked.member, text_field(given, "secret"), fields).told, {}


def _found_hook(asked: Asked) -> Hook:
    hook = asked.company.hooks.get(asked.target)
    if hook is None:
        raise Problem(404, "Could not find a webhook with provided ID.")
    if hook.owner != asked.member.id:
        raise Problem(400, "Failed to delete webhook.  You are not the owner of it.")
    return hook


def one_hook(asked: Asked) -> Answer:
    return 200, _found_hook(asked).told, {}


def change_hook(asked: Asked) -> Answer:
    """Name, target and secret; it can be switched on, never off (§2.1)."""
    hook, given = _found_hook(asked), given_fields(asked.request, ("name", "targetUrl", "secret", "status"))
    if not text_field(given, "name") or not text_field(given, "targetUrl"):
        raise Problem(400, "name and targetUrl cannot be null")
    if given.get("status", "active") != "active":
        raise Problem(400, "Invalid status")
    hook.data |= {name: given[name] for name in ("name", "targetUrl")}
    hook.secret = text_field(given, "secret") or hook.secret
    if "status" in given:
        hook.enable(asked.company.clock())
    return 200, hook.told, {}


def delete_hook(asked: Asked) -> Answer:
    del asked.company.hooks[_found_hook(asked).data["id"]]
    return 204, None, {}
