"""Webhooks as standing orders (reference §2.1, §2.2, §2.8): the service user's are one for each resource, for all spaces.

People's own have a filter, so that nothing is told of the spaces that they are in: one webhook for all their 1:1 spaces, and
one for each group chat that we know of. A resource's name holds it: ``messages?roomType=direct``.

They never end, and fire even after the token that made them: whoever disconnects deletes them first. Webex switches one
off after a hundred failures within five minutes, tells nobody and never switches it on again. ``all`` events are ordered,
for ``messages/updated`` may not exist by itself (§2.3).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from connectors.calls import Call, Calls
from connectors.consent import Subscribed
from connectors.errors import Gone, Unavailable
from connectors.messages import ConversationId
from connectors.webex import ids
from connectors.webex.client import BASE, TOKEN, listed, object_of, path_of, reading, text_of
from connectors.webex.judge import judge
from connectors.webex.webhook import NEEDS

EVENTS = "all"
NAME = "Messages of other platforms"
"""What an administrator reads of our webhooks at Webex."""

DIRECT = "messages?roomType=direct"

Hook = Mapping[str, Any]


def of_person(groups: Iterable[ConversationId]) -> list[str]:
    """What a person orders."""
    return [DIRECT, *(f"messages?roomId={group}" for group in groups)]


def standing(address: str, *, is_person: bool) -> Calls[list[Subscribed]]:
    """``GET /webhooks``: those that tell ``address``."""
    return [_subscribed(hook) for hook in (yield from _hooks(address, is_person=is_person))]


def subscribe(resource: str, address: str, secret: str) -> Calls[Subscribed]:
    """``POST /webhooks``; one that stands already is kept, and given our secret if it has another.

    So after a lost answer the next try finds what the first one made.
    """
    name, _, chosen = resource.partition("?")
    for hook in (yield from _hooks(address, is_person=bool(chosen))):
        if _resource(hook) == resource and hook.get("secret", secret) == secret:
            return _subscribed(hook)
        if _resource(hook) == resource:
            return (yield from _put(hook["id"], hook, secret))
    wanted = {"name": NAME, "targetUrl": address, "resource": name, "event": EVENTS, "secret": secret}
    fields = wanted | ({"filter": chosen} if chosen else {})
    made = yield _writing("POST", "/webhooks", scopes=NEEDS[name][:1], json=fields)
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


def _hooks(address: str, *, is_person: bool) -> Calls[list[Hook]]:
    """Webhooks of ours; a person may have others, which are none of our business."""
    hooks = yield from listed("/webhooks", (), "webhooks")
    return [hook for hook in hooks if _is_ours(hook, address) and bool(text_of(hook, "filter")) == is_person]


def _is_ours(hook: Hook, address: str) -> bool:
    told = (hook.get("targetUrl"), hook.get("event"))
    return told == (address, EVENTS) and hook.get("resource") in NEEDS and bool(ids.plausible(hook.get("id")))


def _resource(hook: Hook) -> str:
    """The name under which it was ordered."""
    chosen = text_of(hook, "filter")
    return f"{text_of(hook, 'resource')}?{chosen}" if chosen else text_of(hook, "resource")


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
    return Subscribed(id_, _resource(hook), is_active=hook.get("status") == "active")
