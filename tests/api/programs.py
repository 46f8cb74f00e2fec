"""A tenant's program in tests: it shows its token, and nothing else."""

from collections.abc import Iterable
from typing import Any

from django.test import Client, RequestFactory

from accounts import api_tokens
from accounts.models import Membership, Scope, Tenant


def token(tenant: Tenant, scopes: Iterable[Scope] = Scope, days: int = 30, name: str = "Nightly") -> str:
    """A token that the owner of a tenant has made."""
    owner = Membership.objects.select_related("tenant", "user").get(tenant=tenant, role="owner")
    request = RequestFactory().get("/")
    request.user = owner.user
    return api_tokens.make(owner, name, scopes, days, request)


def program(shown: str) -> Client:
    """Something that asks with a token, over https."""
    return Client(headers={"authorization": f"Bearer {shown}", "x-forwarded-proto": "https"})


def asked(client: Client, path: str, **query: Any) -> Any:
    """The answer to a question that is allowed."""
    answer = client.get(f"/api/v1/{path}", query, secure=True)
    assert answer.status_code == 200, answer.content
    return answer.json()


def told(client: Client, path: str, body: Any = None, key: str = "") -> Any:
    """The answer to a wish, whatever it is."""
    headers = {"idempotency-key": key} if key else {}
    return client.post(f"/api/v1/{path}", body or {}, content_type="application/json", secure=True, headers=headers)
