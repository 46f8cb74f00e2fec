"""What the fake Zoom lets a call change about channels and their members (§3.2)."""

import re
from typing import Any

from connectors.calls import Response
from connectors.zoom.sandbox_api import Api, Call, json_of
from connectors.zoom.sandbox_company import GROUP, Room, User, by_key
from connectors.zoom.sandbox_rules import Refusal, answer, invalid

LONGEST_NAME = 256
"""Characters (§3.2)."""

TYPES = (1, 2, 3)
"""Of channels that the Hub may want: private, private to the account, public in it."""

MOST_INVITED = 20
"""Addresses of one call, where an app acts for the account (§3.2)."""

_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


def change_channel(api: Api, call: Call) -> Response:
    """A new name; the settings that Zoom knows besides are none of the sandbox's."""
    place, user, body = api.room_of(call, call.path["channel"]), api.user_of(call), json_of(call.request)
    name = _name(body)
    if set(body) != {"name"}:
        raise invalid("name")
    if place.owner and place.owner != user:
        text = "Unauthorized request. You do not have permission to update a channel for this user."
        raise Refusal(403, 200, text)
    _free(api, name, place)
    api.acts.rename(place, user, name)
    return Response(204)


def create_channel(api: Api, call: Call) -> Response:
    """The user owns the channel and is alone in it; a group chat nobody owns, and it begins with its people."""
    user, body = api.user_of(call), json_of(call.request)
    if body.get("type") == GROUP:
        return _create_group(api, user, body)
    name = _name(body)
    if body.get("type") not in TYPES or set(body) - {"name", "type"}:
        raise invalid("type")
    _free(api, name)
    return _created(api.acts.create(user, name, body["type"]))


def _create_group(api: Api, user: User, body: dict[str, Any]) -> Response:
    invited = _invited(api, body.get("members"))
    if set(body) - {"name", "type", "members"}:
        raise invalid("type")
    if "name" in body:
        _free(api, _name(body))
    return _created(api.acts.group(user, [one for one in invited if one != user], body.get("name", "")))


def _created(made: Room) -> Response:
    shown = made.shown()
    return answer(201, {key: shown[key] for key in ("id", "jid", "name", "type", "channel_url")})


def invite_members(api: Api, call: Call) -> Response:
    """People of the account by address, all or none. Those who are there and those who cannot chat are left out unsaid."""
    place, user = api.room_of(call, call.path["channel"]), api.user_of(call)
    invited = _invited(api, json_of(call.request).get("members"))
    if place.closed and place.owner != user:
        text = "Unauthorized request. You do not have permission to invite channel members on this user's behalf."
        raise Refusal(400, 200, text)
    new = [one for one in invited if one in api.users and one not in place.members]
    if new:
        api.acts.bring(place, user, new)
    ids, member_ids = ",".join(one.id for one in new), ",".join(one.member_id for one in new)
    return answer(201, {"added_at": api.now, "ids": ids, "member_ids": member_ids})


def remove_member(api: Api, call: Call) -> Response:
    place, user = api.room_of(call, call.path["channel"]), api.user_of(call)
    member = place.member(call.path["identifier"])
    if member is None:
        raise Refusal(400, 5301, "Unable to remove channel member.")
    if member == user:
        raise Refusal(400, 300, "You can not remove the current user himself.")
    if member == place.owner or (place.owner and place.owner != user):
        text = "Unauthorized request. You do not have permission to remove channel members on this user's behalf."
        raise Refusal(400, 200, text)
    api.acts.move(place, user, member, here=False)
    return Response(204)


def _name(body: dict[str, Any]) -> str:
    name = body.get("name")
    if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_NAME:
        raise invalid("name")
    return name


def _free(api: Api, name: str, own: Room | None = None) -> None:
    if any(other.name == name for other in api.acts.rooms.values() if other is not own):
        raise Refusal(400, 300, "The channel name already exists.")


def _invited(api: Api, members: object) -> list[User]:
    if not isinstance(members, list) or not 1 <= len(members) <= MOST_INVITED:
        raise invalid("members")
    addresses = [one.get("email") if isinstance(one, dict) else None for one in members]
    if not all(isinstance(address, str) and _ADDRESS.fullmatch(address) for address in addresses):
        raise invalid("members")
    found = [by_key(api.everybody(), str(address)) for address in addresses]
    known = [one for one in found if one]
    if len(known) < len(found):
        raise Refusal(400, 5301, "Request to invite channel members failed.")
    return known
