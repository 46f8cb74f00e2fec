"""A request of somebody, for the functions that write down who asked."""

from django.http import HttpRequest
from django.test import RequestFactory

from accounts.models import Membership, Tenant, User


def request_of(user: User, **headers: str) -> HttpRequest:
    request = RequestFactory(headers=headers).post("/", REMOTE_ADDR="203.0.113.7")
    request.user = user
    return request


def membership(tenant: Tenant, user: User) -> Membership:
    return Membership.objects.select_related("tenant", "user").get(tenant=tenant, user=user)
