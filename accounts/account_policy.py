"""By what people are represented where we can make accounts: the tenant's rule and its exceptions, in order."""

from django.db import transaction
from django.db.models import Max
from django.http import HttpRequest

from accounts import audit
from accounts.members import NotPossible, hold
from accounts.models import AccountPolicy, Tenant

MOST = 100
"""Exceptions of a tenant: each is looked at for everybody who is planned."""


@transaction.atomic
def add(tenant: Tenant, by: str, value: str, rule: str, request: HttpRequest) -> None:
    """Add an exception after those there are. Raises ``NotPossible``."""
    hold(tenant)
    known = tenant.account_policies.all()
    if known.filter(by=by, value=value.lower()).exists():
        raise NotPossible(f"There is an exception for {value} already. Remove it first.")
    if known.count() >= MOST:
        raise NotPossible(f"The list is full: it holds {MOST}. Remove what is no longer needed.")
    last = known.aggregate(last=Max("place"))["last"] or 0
    AccountPolicy.objects.create(tenant=tenant, place=last + 1, by=by, value=value.lower(), rule=rule)
    audit.record(tenant, "added account policy", value, request, after={"rule": rule})


@transaction.atomic
def remove(policy: AccountPolicy, request: HttpRequest) -> None:
    """Take an exception off the list."""
    policy.delete()
    audit.record(policy.tenant, "removed account policy", str(policy), request, before={"rule": policy.rule})


@transaction.atomic
def move_up(policy: AccountPolicy, request: HttpRequest) -> None:
    """Have an exception looked at before the one above it."""
    hold(policy.tenant)
    above = policy.tenant.account_policies.filter(place__lt=policy.place).order_by("-place").first()
    if above is None:
        return
    AccountPolicy.objects.filter(pk=above.pk).update(place=policy.place)
    AccountPolicy.objects.filter(pk=policy.pk).update(place=above.place)
    audit.record(policy.tenant, "moved account policy", str(policy), request, after={"before": str(above)})
