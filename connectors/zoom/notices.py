"""What Zoom tells about a channel and about reactions in it (§2.8, §2.9). Pure."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from connectors.messages import AccountId, Event, Happening, Noticed, Reaction, Skipped
from connectors.zoom import ids, reactions

_HAPPENINGS = {
    "chat_channel.member_invited": Happening.JOINED,
    "chat_channel.member_joined": Happening.JOINED,
    "chat_channel.member_left": Happening.LEFT,
    "chat_channel.member_removed": Happening.LEFT,
    "chat_channel.updated": Happening.RENAMED,
    "team_chat.channel_archived": Happening.ARCHIVED,
    "team_chat.channel_unarchived": Happening.UNARCHIVED,
}
_OF_MEMBERS = ("chat_channel.member_invited", "chat_channel.member_removed")
"""Where the operator is somebody else than those who came or went."""


def actor(content: Mapping[str, Any]) -> AccountId:
    """Who did what the event tells."""
    return ids.account(content.get("operator_id"), content.get("operator_member_id"))


def notice(content: Mapping[str, Any]) -> Event:
    """Who came or went, or the channel's new name."""
    event = str(content.get("event"))
    what, by = _HAPPENINGS.get(event), actor(content) or None
    if what in (Happening.JOINED, Happening.LEFT):
        accounts = tuple(_members(content)) if event in _OF_MEMBERS else tuple(filter(None, (by,)))
        return Noticed(what, accounts, by=by) if accounts else Skipped("nobody we can name")
    name = ids.readable(content.get("name"))
    if what is None or (what is Happening.RENAMED and not name):
        return Skipped("notice")
    return Noticed(what, text=name if what is Happening.RENAMED else "", by=by)


def _members(content: Mapping[str, Any]) -> Iterator[AccountId]:
    members = content.get("members")
    for member in members if isinstance(members, list) else ():
        if isinstance(member, Mapping) and (account := ids.account(member.get("id"), member.get("member_id"))):
            yield account


def reaction(content: Mapping[str, Any]) -> Reaction | None:
    """The emoji of an event and whose it is; None where one of them cannot be read."""
    account, emoji = actor(content), reactions.read(content.get("emoji"))
    return Reaction(account, emoji) if account and emoji else None


def standing(content: Mapping[str, Any]) -> frozenset[Reaction]:
    """All reactions of a fetched message."""
    entries = content.get("reactions")
    return frozenset(
        Reaction(account, emoji)
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, Mapping) and (emoji := reactions.read(entry.get("emoji")))
        for account in _senders(entry)
    )


def _senders(entry: Mapping[str, Any]) -> Iterator[AccountId]:
    """Who reacted: pairs of ids in a list, two lists for one message (§3.1).

    People of other accounts have an empty user id. Where that list leaves them out instead, they cannot be told from
    the others, whose member ids are listed as well.
    """
    users, members = _listed(entry.get("user_ids")), _listed(entry.get("member_ids"))
    pairs = list(zip_longest(users, members)) if len(users) == len(members) or not users else [(u, "") for u in users]
    pairs += [(s.get("user_id"), s.get("member_id")) for s in _listed(entry.get("senders")) if isinstance(s, Mapping)]
    yield from filter(None, (ids.account(user, member) for user, member in pairs))


def _listed(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
