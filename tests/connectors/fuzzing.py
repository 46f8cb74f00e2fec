"""Genuine webhooks of every platform, spoilt: what a broken proxy, a new version or somebody hostile could send.

Everything follows from a seed and a number, so that a failure can be had again.
"""

import hmac
import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import deepcopy
from random import Random
from typing import Any

from connectors.contract import Request
from connectors.sandbox import Fake, Webhook
from connectors.slack import webhook as slack
from connectors.teams import webhook as teams
from connectors.zoom import webhook as zoom
from tests.connectors.documents import TRICKS

Body = bytes
"""Of a request."""

MOST_FAULTS = 4
"""Of one case: with more of them nothing behind the first check is ever reached."""

_DEEP = "@deep@"
"""Stands for more nesting than a JSON writer can make."""

_JUNK: list[Any] = [
    *(None, True, False, 0, -1, 1, 7.5, 2**31, 2**63, -(2**63), 10**40, 1e308, -0.0, float("nan"), float("inf")),
    *("", " ", "0", "-1", "null", "a", "9" * 5000, "1e999", "٣", "²", "\x00", "a\x00b", "\ud83d", "\udc00x", "\u2028"),
    *(
        "2026-13-45T99:99:99Z",
        "2026-01-01T00:00:00Z",
        "1767225600.000100",
        "1767225600123",
        "../..",
        "a/b",
        "//",
        "%00",
    ),
    *(
        "é" * 300,
        "x" * 40_000,
        "👩‍👩‍👧‍👦" * 50,
        "\u0301" * 200,
        "<" * 500,
        "<b>" * 300,
        "[" * 400,
        "> " * 300,
        "*_" * 300,
    ),
    *([], {}, [[]], [None], {"": None}, {"id": 1}, {"id": None}, [{"id": []}], {"text": {"text": 1}}, _DEEP, [_DEEP]),
    *TRICKS,
]


def spoilt(random: Random, whole: Any) -> Any:
    """A JSON value with one to ``MOST_FAULTS`` faults somewhere in it."""
    whole = deepcopy(whole)
    for _ in range(random.randint(1, MOST_FAULTS)):
        places = list(_places(whole))
        if not places:
            return deepcopy(random.choice(_JUNK))
        random.choice(_FAULTS)(random, *random.choice(places), places)
    return whole


_Place = tuple[Any, Any]
"""An object or a list, and the key or the index of something in it."""


def _places(value: Any) -> Iterator[_Place]:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _drop(_random: Random, holder: Any, key: Any, _places: list[_Place]) -> None:
    del holder[key]


def _replace(random: Random, holder: Any, key: Any, _places: list[_Place]) -> None:
    holder[key] = deepcopy(random.choice(_JUNK))


def _swap(random: Random, holder: Any, key: Any, places: list[_Place]) -> None:
    """Put in its place what stands elsewhere: a right value where it is wrong."""
    other, name = random.choice(places)
    holder[key] = deepcopy(other[name])


def _wrap(random: Random, holder: Any, key: Any, _places: list[_Place]) -> None:
    value = holder[key]
    holder[key] = random.choice([[value], {"text": value}, str(value), [deepcopy(value) for _ in range(20)]])


def _edit(random: Random, holder: Any, key: Any, places: list[_Place]) -> None:
    """Cut a hole into a text and put something there."""
    if not isinstance(text := holder[key], str):
        _replace(random, holder, key, places)
        return
    at, length = random.randint(0, len(text)), random.choice((0, 1, 3, 50))
    holder[key] = text[:at] + str(random.choice(_JUNK)) + text[at + length :]


def _rename(random: Random, holder: Any, key: Any, _places: list[_Place]) -> None:
    if isinstance(holder, dict):
        holder[random.choice((f" {key} ", str(key).upper(), "type", "id", "__class__", ""))] = holder.pop(key)


_FAULTS: list[Callable[[Random, Any, Any, list[_Place]], None]] = [
    _drop,
    _replace,
    _replace,
    _swap,
    _wrap,
    _edit,
    _rename,
]


def written(random: Random, value: Any) -> Body:
    """A JSON value as bytes, in one of the ways a sender may write it, and sometimes broken."""
    text = json.dumps(value, ensure_ascii=random.random() < 0.7)
    depth = random.choice((5, 100, 900, 20_000))
    text = text.replace(f'"{_DEEP}"', random.choice(("[", '{"text":', '{"elements":[')) * depth)
    body = text.encode("utf-8", random.choice(("replace", "surrogatepass")))
    return _broken(random, body) if random.random() < 0.15 else body


def _broken(random: Random, body: Body) -> Body:
    """Cut off, with other bytes in the middle, or with a part of it twice."""
    at, length = random.randint(0, len(body)), random.choice((0, 1, 2, 20, 200))
    part = body[at : at + length]
    return random.choice(
        [
            body[:at],
            body[:at] + random.randbytes(random.randint(1, 4)) + body[at + 1 :],
            body[:at] + part + part + body[at + length :],
            body[:at] + b"\xff\xfe\x00" + body[at:],
            b"\xef\xbb\xbf" + body,
            body + b"}",
            body.decode("utf-8", "replace").encode("utf-16"),
        ]
    )


# --- What is genuine


def genuine(fake: Fake) -> list[Any]:
    """The bodies of the webhooks that a fake sends while its people do all they can: JSON, and Slack's forms as objects."""
    sent: list[Webhook] = []
    fake.deliver = sent.append
    who, place, typing = (
        fake.people()[0].id,
        fake.places()[0].conversation,
        "**Morning** @here, `x < 1`: https://a.example",
    )
    root = fake.type_as(who, place, typing)
    anybody: Any = fake
    acts: list[Callable[[], object]] = [
        lambda: anybody.reply_as(who, place, root, typing),
        lambda: anybody.edit_as(who, place, root, "edited"),
        lambda: anybody.react_as(who, place, root, "👍", True),
        lambda: anybody.react_as(who, place, root, "👍", False),
        lambda: anybody.share_as(who, place, "plan.txt", b"plan", "see"),
        lambda: anybody.command_as(who, place, "help"),
        lambda: anybody.mention_app_as(who, place, "help"),
        lambda: anybody.topic_as(who, place, "topic"),
        lambda: anybody.rename_as(who, place, "renamed"),
        lambda: anybody.delete_as(who, place, root),
        lambda: anybody.leave_as(who, place),
        lambda: anybody.join_as(who, place),
    ]
    for act in acts:
        with suppress(NotImplementedError, AttributeError):  # not every platform lets everything be done
            act()
    return [json.loads(hook.body) for hook in sent if hook.body.startswith(b"{")]


def signed(slug: str, secrets: Any, body: Body) -> Request:
    """A request that proves itself as far as its headers can."""
    stamp = str(int(time.time()))
    headers = {
        "slack": lambda: {
            "x-slack-request-timestamp": stamp,
            "x-slack-signature": slack.signature(secrets.signing_secret, stamp, body),
            "content-type": "application/json",
        },
        "teams": dict,
        "webex": lambda: {"x-spark-signature": hmac.digest(secrets.webhook_secret.encode(), body, "sha1").hex()},
        "zoom": lambda: {
            "x-zm-request-timestamp": stamp,
            "x-zm-signature": zoom.signature(secrets.webhook_secret_token, stamp, body),
        },
    }[slug]()
    return Request("POST", f"https://hub.example.com/webhooks/{slug}/", headers, {}, body)


def proven(slug: str, secrets: Any, body: Any) -> Any:
    """A spoilt body with the proof that stands inside it, as Teams has it, put right again."""
    items = body.get("value") if slug == "teams" and isinstance(body, dict) else None
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and isinstance(tenant := item.get("tenantId"), str):
            item["clientState"] = teams.client_state(secrets.client_state_key, tenant)
    return body
