"""A message of the service user to one person (reference teams.md §3.4)."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from connectors.calls import Call, Calls
from connectors.errors import NotSupported
from connectors.messages import AccountId, Button, Draft
from connectors.richtext import Document
from connectors.teams.cards import with_buttons
from connectors.teams.client import GRAPH, judge
from connectors.teams.ids import chat_id
from connectors.teams.render import render
from connectors.teams.scopes import SERVICE
from connectors.teams.values import mapping, string


def greet(service: AccountId, account: AccountId, body: Document, buttons: Sequence[Button]) -> Calls[None]:
    """Open the chat of the two, which is always the same one, and speak there."""
    if account == service:
        raise NotSupported("the service user cannot write to itself")
    opened = {"chatType": "oneOnOne", "members": [_member(service), _member(account)]}
    chat = string(mapping((yield _post("/chats", "Chat.Create", opened, repeatable=True)).json()).get("id"))
    said = with_buttons(render(Draft(chat_id(chat), body, nonce="greeting")), buttons).payload
    yield _post(f"/chats/{quote(chat, safe='')}/messages", "ChatMessage.Send", said, repeatable=False)


def _member(account: AccountId) -> dict[str, object]:
    return {
        "@odata.type": "#microsoft.graph.aadUserConversationMember",
        "roles": ["owner"],
        "user@odata.bind": f"{GRAPH}/users('{quote(account, safe='')}')",
    }


def _post(path: str, scope: str, sent: Mapping[str, object], *, repeatable: bool) -> Call:
    bucket = "post chat message"
    return Call("POST", GRAPH + path, (scope,), bucket, SERVICE, json=sent, repeatable=repeatable, judge=judge)
