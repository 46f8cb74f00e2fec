"""Webex ids: base64 of ``ciscospark://<cluster>/<TYPE>/<value>`` without padding (reference §7.1).

Rooms and messages are kept exactly as returned. People and organizations are always in cluster ``us``, yet arrive in
three forms, so they are brought to one: people as the full id, organizations as the bare UUID.
"""

import re
from base64 import b64decode, b64encode
from functools import lru_cache

from connectors.messages import AccountId, ConversationId, MessageId, WorkspaceId

LONGEST = 255
"""Characters of an id: real ones reach about 150, and the ledger's columns hold this many."""

BOT_DOMAINS = ("@webex.bot", "@sparkbot.io")
"""Every bot's address ends so, and often the address is all that is told of whoever speaks or joins (§0)."""

_HYDRA = re.compile(r"ciscospark://([^/]+)/([A-Z_]+)/(.+)")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PLAUSIBLE = re.compile(rf"[A-Za-z0-9_=+/.:-]{{1,{LONGEST}}}")


def encode(kind: str, value: str, cluster: str = "us") -> str:
    """The id of a thing of ``kind``, such as ``PEOPLE``."""
    return b64encode(f"ciscospark://{cluster}/{kind}/{value}".encode()).decode().rstrip("=")


def decode(id_: str) -> tuple[str, str, str] | None:
    """Cluster, kind and value of a full id; None for anything else."""
    found = _HYDRA.fullmatch(_unpacked(id_))
    return (found[1], found[2], found[3]) if found else None


def uuid(id_: str, kind: str) -> str | None:
    """The UUID in an id of ``kind``, in lower case; ``id_`` may also be a bare UUID, plain or in base64."""
    if _UUID.fullmatch(id_):
        return id_.lower()
    unpacked = _unpacked(id_)
    found = _HYDRA.fullmatch(unpacked)
    value = found[3] if found and found[2] == kind else unpacked
    return value.lower() if _UUID.fullmatch(value) else None


def plausible(id_: object) -> str | None:
    """``id_`` if it is a text that can be an id at all."""
    return id_ if isinstance(id_, str) and _PLAUSIBLE.fullmatch(id_) else None


def account(id_: str) -> AccountId:
    """A person by any form of their id; equal people give equal ids. What is no person's id is left as it is."""
    return person(id_) or AccountId(id_)


def person(id_: str) -> AccountId | None:
    """The same for ids that anybody may have written; None for what is no person's id."""
    value = uuid(id_, "PEOPLE")
    return AccountId(encode("PEOPLE", value)) if value else None


@lru_cache(maxsize=4096)
def is_account(id_: str) -> bool:
    """Whether this is a person's id as ``account`` makes it. Asked for every mention, mostly of the same few thousand."""
    return person(id_) == id_


def is_bot(email: str) -> bool:
    """Whether an address is a bot's."""
    return email.lower().endswith(BOT_DOMAINS)


def workspace(id_: str) -> WorkspaceId:
    """An organization by any form of its id. Raises ``ValueError``."""
    value = uuid(id_, "ORGANIZATION")
    if value is None:
        raise ValueError("not an organization's id")
    return WorkspaceId(value)


def conversation(id_: str) -> ConversationId:
    """A room."""
    return ConversationId(id_)


def message(id_: str) -> MessageId:
    """A message."""
    return MessageId(id_)


def notice(what: str, who: str, by: str) -> MessageId:
    """What a notice goes by, for it is about no message: ``what`` happened to ``who``, and ``by`` whom, or empty.

    A space goes by its conversation, so of it ``who`` is empty.
    """
    return MessageId(f"{what}:{by}:{who}")


def opened_notice(id_: MessageId) -> tuple[str, str, str]:
    """What happened, to whom and by whom, as given to ``notice``; all empty for any other id."""
    what, by, who = id_.split(":", 2) if id_.count(":") > 1 else ("", "", "")
    return what, who, by


def _unpacked(id_: str) -> str:
    try:
        return b64decode(id_ + "=" * (-len(id_) % 4)).decode()
    except ValueError:
        return ""
