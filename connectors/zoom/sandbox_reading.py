"""The calls of the fake Zoom that only tell: people, channels, messages (§3.1, §3.2, §3.5)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from connectors.calls import Response
from connectors.zoom.sandbox_api import Api, Call
from connectors.zoom.sandbox_company import Room, by_key, member_shown
from connectors.zoom.sandbox_rules import Refusal, answer, invalid, page_of
from connectors.zoom.webhook import moment

PUBLIC_TYPES = (3, 5)

HISTORY = timedelta(days=183)
"""Message lists go back six months (§3.1)."""


def list_users(api: Api, call: Call) -> Response:
    """Those of one status; nobody of the sandbox is merely invited."""
    listed = {"active": api.users, "inactive": api.acts.former, "pending": ()}
    users = listed.get(call.request.query.get("status", "active"))
    if users is None:
        raise invalid("status")
    page, fields = page_of(users, call.request.query, 30, 2000, api.clock())
    return answer(200, fields | {"total_records": len(users), "users": [one.shown() for one in page]})


def get_user(api: Api, call: Call) -> Response:
    return answer(200, api.user_of(call).shown_alone())


def list_channels(api: Api, call: Call) -> Response:
    rooms = [one for one in api.acts.rooms.values() if api.user_of(call) in one.members]
    return _channels(api, call, rooms, 1000)


def get_contact(api: Api, call: Call) -> Response:
    """Everybody of the account is a contact of everybody, as the account's settings have it by default."""
    key = call.path["identifier"]
    found = by_key(api.users, key)
    if found is None:
        raise Refusal(404, 1001, f"User does not exist: {key}.")
    first, _, last = found.name.partition(" ")
    shown = {"id": found.id, "member_id": found.member_id, "email": found.email, "presence_status": "Available"}
    return answer(200, shown | {"first_name": first, "last_name": last})


def list_account_channels(api: Api, call: Call) -> Response:
    """Only public channels, whoever is in them (§3.2)."""
    return _channels(api, call, [one for one in api.acts.rooms.values() if one.type in PUBLIC_TYPES], 20)


def _channels(api: Api, call: Call, rooms: Sequence[Room], most: int) -> Response:
    page, fields = page_of(rooms, call.request.query, 10, most, api.clock())
    return answer(200, fields | {"total_records": len(rooms), "channels": [one.shown() for one in page]})


def get_channel(api: Api, call: Call) -> Response:
    return answer(200, api.room_of(call, call.path["channel"]).shown())


def get_any_channel(api: Api, call: Call) -> Response:
    """The same, and public ones from outside."""
    found = api.acts.rooms.get(call.path["channel"])
    if found and found.type in PUBLIC_TYPES:
        return answer(200, found.shown())
    return get_channel(api, call)


def list_members(api: Api, call: Call) -> Response:
    place = api.room_of(call, call.path["channel"])
    members, owner = place.members, place.owner or place.members[0]
    page, fields = page_of(members, call.request.query, 30, 100, api.clock())
    shown = [member_shown(one, one == owner) for one in page]
    return answer(200, fields | {"total_records": len(members), "members": shown})


def list_messages(api: Api, call: Call) -> Response:
    """Newest first, one day unless ``from`` asks for more (§3.1)."""
    query = call.request.query
    place = api.addressed(call, query)
    start, end = _window(api, query)
    inside = [said for said in place.messages.values() if start <= said.at <= end]
    page, fields = page_of(inside[::-1], query, 10, 50, api.clock())
    stated = {name: query[name] for name in ("date", "from", "to") if name in query}
    messages = [said.told(api.address) | {"reactions": said.reacted_by_senders()} for said in page]
    return answer(200, fields | stated | {"messages": messages})


def _window(api: Api, query: Mapping[str, str]) -> tuple[float, float]:
    """From and to, in milliseconds."""
    now = datetime.fromtimestamp(api.clock(), UTC)
    day = moment(query["date"]) if "date" in query else now.replace(hour=0, minute=0, second=0, microsecond=0)
    start, end = moment(query["from"]) if "from" in query and "date" not in query else day, now
    if "date" in query and day:
        end = day + timedelta(days=1)
    elif "to" in query:
        end = moment(query["to"]) or now
    if start is None:
        raise invalid("from")
    if now - start > HISTORY:
        raise Refusal(400, 300, "Only provide past chat messages in recent 6 months.")
    return start.timestamp() * 1000, end.timestamp() * 1000


def get_message(api: Api, call: Call) -> Response:
    _, said = api.said_of(call, call.request.query)
    return answer(200, said.told(api.address) | {"reactions": said.reacted_by_ids()})
