"""Who signs in to the Hub in tests: Ann owns Acme, Bob administers it, Carla audits it, Dev is of another company."""

from dataclasses import dataclass

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from accounts.models import Membership, Tenant, User

PASSWORD = "correct horse battery staple"
Role = Membership.Role


@dataclass
class People:
    """The companies, the people, and browsers of theirs that are signed in."""

    acme: Tenant
    globex: Tenant
    ann: User
    bob: User
    carla: User
    dev: User

    def browser(self, user: User) -> Client:
        """A browser in which somebody is signed in, over https as in production."""
        client = Client(headers={"x-forwarded-proto": "https"})
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client


def person(first: str, last: str, email: str) -> User:
    """Somebody with a confirmed address and ``PASSWORD``."""
    user = User.objects.create_user(first.lower(), email, PASSWORD, first_name=first, last_name=last)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


@pytest.fixture
def people(db: None) -> People:
    acme, globex = Tenant.objects.create(name="Acme"), Tenant.objects.create(name="Globex")
    ann = person("Ann", "Moreau", "ann@acme.example")
    bob = person("Bob", "Okafor", "bob@acme.example")
    carla = person("Carla", "Jensen", "carla@acme.example")
    dev = person("Dev", "Patel", "dev@globex.example")
    roles = [
        (acme, ann, Role.OWNER),
        (acme, bob, Role.ADMINISTRATOR),
        (acme, carla, Role.AUDITOR),
        (globex, dev, Role.OWNER),
    ]
    for tenant, user, role in roles:
        Membership.objects.create(tenant=tenant, user=user, role=role)
    return People(acme, globex, ann, bob, carla, dev)
