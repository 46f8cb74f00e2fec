"""A message as it stands, and who is behind the addresses in it: Zoom's answers name nobody by user id (§3.1). No I/O."""

from collections.abc import Mapping
from typing import Any

from connectors.calls import Calls
from connectors.contract import Content, Credentials
from connectors.errors import Gone
from connectors.messages import AccountId, Reference
from connectors.zoom import directory, ids
from connectors.zoom.client import own_address, person, whole


def fetch(credentials: Credentials, reference: Reference) -> Calls[Content]:
    """A message in the shape webhooks have. ``fetched`` tells it from a webhook's: it holds the reactions as they stand."""
    if not reference.message:
        raise Gone("an event that Zoom keeps nowhere")
    message = yield from whole(credentials, reference.conversation, reference.message)
    users = yield from _people(credentials, reference, message)
    author = users.get(_address(message.get("sender"))) or ids.account("", message.get("send_member_id"))
    content = message | {"fetched": True, "operator": message.get("sender"), **_acting(author)}
    if items := _items(message):
        content["at_items"] = [
            item | {"at_contact_user_id": users.get(_address(item.get("at_contact")), "")} for item in items
        ]
    return content


def _acting(author: AccountId) -> dict[str, str]:
    if ids.is_outsider(author):
        return {"operator_id": "", "operator_member_id": ids.identifier(author)}
    return {"operator_id": author, "operator_member_id": ""}


def _people(credentials: Credentials, reference: Reference, message: Mapping[str, Any]) -> Calls[dict[str, AccountId]]:
    """The accounts by address, as far as Zoom tells them to whoever asks. Of two people one is known, so that both are."""
    if two := ids.two_of(reference.conversation):
        sender, own = _address(message.get("sender")), (yield from own_address(credentials))
        is_own = sender.lower() == own.lower()
        return {sender: credentials.account if is_own else next(one for one in two if one != credentials.account)}
    if credentials.person:
        return (yield from directory.member_addresses(credentials, reference.conversation))
    found = {}
    for address in _addresses(message):
        found[address] = yield from _user_id(address)
    return found


def _items(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    items = message.get("at_items")
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _addresses(message: Mapping[str, Any]) -> list[str]:
    """The sender's and the mentioned people's, each once."""
    everyone = [message.get("sender"), *(item.get("at_contact") for item in _items(message))]
    return list(dict.fromkeys(filter(None, map(_address, everyone))))


def _address(value: object) -> str:
    return value.strip() if isinstance(value, str) and "@" in value else ""


def _user_id(address: str) -> Calls[AccountId]:
    """The user behind an address; empty for a person of another account, whom only the member id tells."""
    try:
        user = yield from person(address)
    except Gone:
        return ids.account("")
    return ids.account(user.get("id"))
