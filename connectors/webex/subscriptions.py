"""Webhooks as standing orders (reference §2.1, §2.2, §2.8): one for each resource, for all spaces at once.

They never end, and fire even after the token that made them: whoever disconnects deletes them first. Webex switches one
off after a hundred failures within five minutes, tells nobody and never switches it on again. ``all`` events are ordered,
for ``messages/updated`` may not exist by itself (§2.3).
"""

from collections.abc import Mapping
from typing import Any

from connectors.calls import Call, Calls
from connectors.consent import Subscribed
from connectors.errors import Gone, Unavailable
from connectors.webex import ids
from connectors.webex.client import BASE, TOKEN, listed, object_of, path_of, reading, text_of
from connectors.webex.judge import judge
from connectors.webex.webhook import NEEDS

EVENTS = "all"
NAME = "Messages of other platforms"
"""What an administrator reads of our webhooks at Webex."""

Hook = Mapping[str, Any]


def standing(address: str) -> Calls[list[Subscribed]]:
    """``GET /webhooks``: those that tell ``address``."""
    return [_subscribed(hook) for hook in (yield from _hooks(address))]


def subscribe(resource: str, address: str, secret: str) -> Calls[Subscribed]:
    """``POST /webhooks``; one that stands already is kept, and given our secret if it has another.

    So after a lost answer the next try finds what the first one made.
    """
    for hook in (yield from _hooks(address)):
        if hook["resource"] == resource and hook.get("secret", secret) == secret:
            return _subscribed(hook)
        if hook["resource"] == resource:
            return (yield from _put(hook["id"], hook, secret))
    wanted = {"name": NAME, "targetUrl": address, "resource": resource, "event": EVENTS, "secret": secret}
    made = yield _writing("POST", "/webhooks", scopes=NEEDS[resource][:1], json=wanted)
    return _subscribed(object_of(made))


def renew(subscribed: Subscribed) -> Calls[Subscribed]:
    """``PUT /webhooks/{id}`` with what it is already: that switches it on again."""
    hook = object_of((yield reading(path_of("webhooks", subscribed.id), (), "webhooks")))
    return (yield from _put(subscribed.id, hook, text_of(hook, "secret")))


def unsubscribe(subscribed: Subscribed) -> Calls[None]:
    """``DELETE /webhooks/{id}``."""
    try:
        yield _writing("DELETE", path_of("webhooks", subscribed.id))
    except Gone:
        return


def _hooks(address: str) -> Calls[list[Hook]]:
    """Webhooks of ours; a person may have others, which are none of our business."""
    hooks = yield from listed("/webhooks", (), "webhooks")
    return [hook for hook in hooks if _is_ours(hook, address)]


def _is_ours(hook: Hook, address: str) -> bool:
    told = (hook.get("targetUrl"), hook.get("event"), text_of(hook, "filter"))
    return told == (address, EVENTS, "") and hook.get("resource") in NEEDS and bool(ids.plausible(hook.get("id")))


def _put(id_: str, hook: Hook, secret: str) -> Calls[Subscribed]:
    fields = {"name": text_of(hook, "name") or NAME, "targetUrl": text_of(hook, "targetUrl"), "status": "active"}
    response = yield _writing("PUT", path_of("webhooks", id_), json=fields | ({"secret": secret} if secret else {}))
    return _subscribed(object_of(response))


def _writing(method: str, path: str, **fields: Any) -> Call:
    return Call(method, BASE + path, bucket="webhooks", token=TOKEN, judge=judge, **fields)


def _subscribed(hook: Hook) -> Subscribed:
    id_ = ids.plausible(hook.get("id"))
    if id_ is None:
        raise Unavailable("Webex did not say which webhook it made")
    return Subscribed(id_, text_of(hook, "resource"), is_active=hook.get("status") == "active")
