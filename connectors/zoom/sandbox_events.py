"""What the fake Zoom tells the Hub: the bodies of its events (§2.5 to §2.10)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.zoom import ids
from connectors.zoom.sandbox_company import ACCOUNT, Room, Said, User

_LEGACY = {"posted": "sent", "updated": "updated", "deleted": "deleted"}


def message_event(what: str, said: Said, room: Room, actor: User, now: float) -> dict[str, Any]:
    """``team_chat.channel_message_posted``, ``_updated`` or ``_deleted`` (§2.7)."""
    item: dict[str, Any] = {"message_id": said.id, **said.times}
    item |= {"channel_id": room.id, "channel_owner_account_id": ACCOUNT, "channel_name": room.name}
    if what != "deleted":
        item |= {"session_id": room.id, **said.body}
    if said.root:
        item["reply_main_message_id"] = said.root
    return _event(f"team_chat.channel_message_{what}", _outward(actor) | {"object": item}, now)


def legacy_event(what: str, said: Said, room: Room, actor: User, now: float) -> dict[str, Any]:
    """``chat_message.sent``, ``.replied``, ``.updated`` or ``.deleted`` (§2.6): plain text only, and never of an outsider."""
    kind = "to_contact" if room.is_pair else "to_channel"
    item: dict[str, Any] = {"id": said.id, "type": kind, "session_id": room.id, **said.times}
    item |= _contact(room, actor) if room.is_pair else {"channel_id": room.id, "channel_name": room.name}
    item["message"] = said.message
    if said.root:
        item["parent_msg_id"] = said.root
    name = "replied" if said.root and what == "posted" else _LEGACY[what]
    return _event(f"chat_message.{name}", _inward(actor) | {"object": item}, now)


def reaction_event(said: Said, room: Room, actor: User, emoji: str, on: bool, now: float) -> dict[str, Any]:
    """``team_chat.channel_reaction_added`` or ``_removed``, or ``dm_`` in a chat of two (§2.8)."""
    item = {"msg_id": said.id, "msg_time": said.times["date_time"], "emoji": emoji, "emoji_time": _time(now)}
    item |= {"timestamp": int(now * 1000)}
    item |= _contact(room, actor, "member_id") if room.is_pair else {"channel_id": room.id}
    name = f"team_chat.{'dm' if room.is_pair else 'channel'}_reaction_{'added' if on else 'removed'}"
    return _event(name, _outward(actor) | {"object": item}, now)


def channel_event(name: str, room: Room, actor: User, now: float, members: Sequence[User] = ()) -> dict[str, Any]:
    """``chat_channel.…`` and ``team_chat.channel_archived`` alike (§2.9); ``members`` are those whom the actor moved."""
    item: dict[str, Any] = {"id": room.id, "name": room.name, "type": room.type}
    item |= {"date_time": _time(now), "timestamp": int(now * 1000)}
    if members:
        item["members"] = [{"id": member.id, "display_name": member.name} for member in members]
    around = _outward(actor) if name.startswith("team_chat.") else _inward(actor)
    return _event(name, around | {"object": item}, now)


def user_event(name: str, one: User, actor: User, now: float) -> dict[str, Any]:
    """``user.created``, ``user.deactivated`` (§2.11)."""
    first, _, last = one.name.partition(" ")
    item = {"id": one.id, "first_name": first, "last_name": last, "email": one.email, "type": 2}
    how = {"creation_type": "create"} if name == "user.created" else {}
    return _event(name, _inward(actor) | how | {"object": item}, now)


def slash_event(room: Room | None, actor: User, words: str, robot: str, now: float) -> dict[str, Any]:
    """``bot_notification``: a slash command, or with no room words to the bot in its own chat; in camel case (§2.10)."""
    to, name = (ids.jid(ids.conversation(room.id)), room.name) if room else (actor.jid, "")
    payload: dict[str, Any] = {"accountId": ACCOUNT, "channelName": name, "cmd": words, "robotJid": robot}
    payload |= {"timestamp": int(now * 1000), "toJid": to, "userId": actor.id}
    payload |= {"userJid": actor.jid, "userName": actor.name, "userMemberId": actor.member_id}
    return _event("bot_notification", payload, now)


def app_mention_event(said: Said, room: Room, now: float) -> dict[str, Any]:
    """``team_chat.app_mention`` (§2.10): no spans tell where the name of the app ends."""
    item = {"message_id": said.id, "type": "to_channel", "channel_id": room.id, "channel_name": room.name, **said.times}
    return _event("team_chat.app_mention", _outward(said.author) | {"object": item | {"message": said.message}}, now)


def deauthorized_event(actor: User, client_id: str, now: float) -> dict[str, Any]:
    """``app_deauthorized`` (§1.7)."""
    payload = {"account_id": ACCOUNT, "user_id": actor.id, "client_id": client_id, "signature": ""}
    return _event("app_deauthorized", payload | {"deauthorization_time": _time(now)}, now)


def _contact(room: Room, actor: User, *more: str) -> dict[str, str]:
    """The other one of two, who has no user id if from outside: then only the younger family tells who it is."""
    other = room.other(actor)
    known = {"contact_email": other.email, "contact_id": other.id, "contact_member_id": other.member_id}
    return {name: known[name] for name in ("contact_email", "contact_id", *(f"contact_{one}" for one in more))}


def _inward(actor: User) -> dict[str, Any]:
    return {"account_id": ACCOUNT if actor.id else "", "operator": actor.email, "operator_id": actor.id}


def _outward(actor: User) -> dict[str, Any]:
    """An outsider's envelope is empty but for the member id (§2.5)."""
    return _inward(actor) | {"operator_member_id": actor.member_id, "by_external_user": not actor.id}


def _event(name: str, payload: Mapping[str, Any], now: float) -> dict[str, Any]:
    return {"event": name, "event_ts": int(now * 1000), "payload": payload}


def _time(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
