"""An identity provider in tests: it shows its token and speaks as Entra or Okta does."""

import json
from typing import Any

from django.test import Client

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


class Provider:
    """Whoever asks with a token; every answer is given back with its status."""

    def __init__(self, token: str) -> None:
        self._client = Client(headers={"authorization": f"Bearer {token}", "x-forwarded-proto": "https"})

    def ask(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        address, kind = f"/scim/v2/{path}", "application/scim+json"
        if method == "GET":
            return self._client.get(address, query, secure=True)
        return self._client.generic(method, address, _json(body), kind, secure=True)

    def told(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """The content of an answer that must be a good one."""
        answer = self.ask(method, path, body, **query)
        assert answer.status_code < 300, answer.content
        return answer.json() if answer.content else None

    def user(self, name: str, **more: Any) -> str:
        """Make a user; returns its id."""
        return str(self.told("POST", "Users", {"schemas": [USER], "userName": name, "active": True, **more})["id"])

    def group(self, name: str, *members: str, **more: Any) -> str:
        """Make a group; returns its id."""
        told = {"schemas": [GROUP], "displayName": name, "members": [{"value": each} for each in members], **more}
        return str(self.told("POST", "Groups", told)["id"])

    def patch(self, path: str, *operations: dict[str, Any]) -> Any:
        """Change something, as it must be possible."""
        return self.told("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)})

    def found(self, path: str, query: str) -> list[str]:
        """The ids of what a filter finds."""
        return [each["id"] for each in self.told("GET", path, filter=query)["Resources"]]


def _json(body: Any) -> Any:
    return body if isinstance(body, bytes) else json.dumps(body)
