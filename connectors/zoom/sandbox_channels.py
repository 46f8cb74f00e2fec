"""What the fake Zoom lets a call change about a channel (§3.2)."""

from connectors.calls import Response
from connectors.zoom.sandbox_api import Api, Call, json_of
from connectors.zoom.sandbox_rules import Refusal, invalid

LONGEST_NAME = 256
"""Characters (§3.2)."""


def change_channel(api: Api, call: Call) -> Response:
    """A new name; the settings that Zoom knows besides are none of the sandbox's."""
    place, user, body = api.room_of(call, call.path["channel"]), api.user_of(call), json_of(call.request)
    name = body.get("name")
    if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_NAME or set(body) != {"name"}:
        raise invalid("name")
    if place.owner and place.owner != user:
        text = "Unauthorized request. You do not have permission to update a channel for this user."
        raise Refusal(403, 200, text)
    if any(other.name == name for other in api.acts.rooms.values() if other is not place):
        raise Refusal(400, 300, "The channel name already exists.")
    api.acts.rename(place, user, name)
    return Response(204)
