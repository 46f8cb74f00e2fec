"""Who somebody is, where the address does not tell: accounts given to people by hand, and primary platforms chosen."""

from django.db import transaction
from django.http import HttpRequest

from accounts import audit
from accounts.matching import count_places
from accounts.members import NotPossible
from accounts.models import Installation, Person, PlatformAccount, UserSync


def own_accounts(person: Person) -> list[PlatformAccount]:
    """Accounts of their own, and no stand-ins."""
    rows = PlatformAccount.objects.filter(person=person, is_bot=False, is_guest=False, is_deleted=False)
    return list(rows.select_related("installation").order_by("installation__platform", "installation__name", "pk"))


@transaction.atomic
def assign(account: PlatformAccount, person: Person, request: HttpRequest) -> None:
    """Say that this account is that person's; matching leaves it there."""
    before = account.person
    PlatformAccount.objects.filter(pk=account.pk).update(person=person, is_placed=True)
    count_places([one.pk for one in (before, person) if one])
    told = {"person": before.email if before else ""}, {"person": person.email}
    audit.record(person.tenant, "assigned account", f"{account} on {account.installation}", request, *told)


@transaction.atomic
def split(account: PlatformAccount, request: HttpRequest) -> None:
    """Say that this account is not that person's. Raises ``NotPossible`` while they are synced by it."""
    person = account.person
    if person is None:
        raise NotPossible("It is nobody's account already. Nothing was changed.")
    if UserSync.objects.filter(account=account).exists():
        raise NotPossible("They are synced with this account. Unsync them there first; nothing was changed.")
    PlatformAccount.objects.filter(pk=account.pk).update(person=None, is_placed=True)
    if not PlatformAccount.objects.filter(person=person, installation=person.primary, is_deleted=False).exists():
        Person.objects.filter(pk=person.pk).update(primary=None)
    count_places([person.pk])
    audit.record(
        person.tenant, "split account", f"{account} on {account.installation}", request, {"person": person.email}
    )


@transaction.atomic
def choose_primary(person: Person, installation: Installation, request: HttpRequest) -> None:
    """Say which platform somebody prefers. Raises ``NotPossible`` where it cannot be that one."""
    now = Person.objects.select_for_update(no_key=True, of=("self",)).select_related("primary").get(pk=person.pk)
    if installation.pk not in {account.installation_id for account in own_accounts(now)}:
        raise NotPossible(f"{now.name} has no account of their own on {installation}. Nothing was changed.")
    if UserSync.objects.filter(person=now, installation=installation).exists():
        raise NotPossible(f"{now.name} is synced on {installation}. Unsync them there first; nothing was changed.")
    Person.objects.filter(pk=now.pk).update(primary=installation)
    told = {"primary": str(now.primary or "")}, {"primary": str(installation)}
    audit.record(now.tenant, "chose primary platform", now.email, request, *told)
