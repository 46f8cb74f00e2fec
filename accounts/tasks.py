"""What Celery runs for accounts: keeping tokens fresh, noticing dead connections, reading directories, writing to people."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from accounts import (
    api_tokens,
    connecting,
    deleting,
    disconnecting,
    granting,
    grants,
    group_reading,
    group_settling,
    importing,
    tokens,
    user_sync,
    watching,
    webhooks,
    welcoming,
)
from accounts.models import Installation, Membership, PlatformAccount, UserSync
from connectors.errors import TryAgain


@shared_task  # type: ignore[untyped-decorator]  # Celery is untyped
def renew_tokens() -> None:
    """Have every token renewed whose time has come."""
    for pk in tokens.due():
        renew_token.delay(pk)
    for pk in grants.due():
        renew_grant.delay(pk)


@shared_task  # type: ignore[untyped-decorator]
def renew_token(pk: int) -> None:
    tokens.renew(pk)


@shared_task  # type: ignore[untyped-decorator]
def renew_grant(pk: int) -> None:
    grants.renew(pk)


@shared_task(autoretry_for=(TryAgain,), retry_backoff=True, max_retries=8)  # type: ignore[untyped-decorator]
def prompt(sync: int, why: str) -> None:
    """Ask the person of a sync for their consent; tried again for some minutes while the platform cannot.

    ``why`` is the name of a ``granting.Why``.
    """
    rows = UserSync.objects.select_related(
        "account__person", "account__installation__tenant", "account__installation__app"
    )
    row = rows.filter(pk=sync).first()
    if row is not None:
        granting.prompt(row, granting.Why[why])


def _account(pk: int) -> PlatformAccount | None:
    rows = PlatformAccount.objects.select_related("person", "installation__tenant", "installation__app")
    return rows.filter(pk=pk).first()


@shared_task(autoretry_for=(TryAgain,), retry_backoff=True, max_retries=8)  # type: ignore[untyped-decorator]
def prompt_sender(account: int) -> None:
    if row := _account(account):
        granting.prompt_sender(row)


@shared_task(autoretry_for=(TryAgain,), retry_backoff=True, max_retries=8)  # type: ignore[untyped-decorator]
def prompt_recipient(account: int) -> None:
    if row := _account(account):
        granting.prompt_recipient(row)


@shared_task(autoretry_for=(TryAgain,), retry_backoff=True, max_retries=8)  # type: ignore[untyped-decorator]
def tell_sender(account: int, recipient: int) -> None:
    """Both are accounts: what waits in a queue names nobody."""
    if (row := _account(account)) and (other := _account(recipient)):
        granting.tell_sender(row, other.name)


@shared_task(autoretry_for=(TryAgain,), retry_backoff=True, max_retries=8)  # type: ignore[untyped-decorator]
def tell_waited(account: int) -> None:
    if row := _account(account):
        granting.tell_waited(row)


@shared_task  # type: ignore[untyped-decorator]
def give_unneeded_consents_back() -> None:
    disconnecting.give_unneeded_back()


@shared_task  # type: ignore[untyped-decorator]
def forget_consent_requests() -> None:
    connecting.forget()


@shared_task  # type: ignore[untyped-decorator]
def look_at_connections() -> None:
    """Have every connection asked whether it still stands."""
    for pk in Installation.objects.filter(state=Installation.State.CONNECTED).values_list("pk", flat=True):
        look_at_connection.delay(pk)


@shared_task  # type: ignore[untyped-decorator]
def look_at_connection(pk: int) -> None:
    watching.look(pk)


@shared_task  # type: ignore[untyped-decorator]
def tell_administrators() -> None:
    watching.tell_administrators()


@shared_task  # type: ignore[untyped-decorator]
def delete_tenants() -> None:
    """Queue the end of every tenant whose grace is over. Run by beat."""
    for tenant in deleting.due():
        delete_tenant.delay(tenant.pk)


@shared_task  # type: ignore[untyped-decorator]
def delete_tenant(pk: int) -> None:
    deleting.delete(pk)


@shared_task  # type: ignore[untyped-decorator]
def disconnect(pk: int) -> None:
    """Give some consents back, then queue the rest of the connection's end."""
    if disconnecting.go_on(pk):
        disconnect.delay(pk)


@shared_task(expires=2)  # type: ignore[untyped-decorator]  # by then beat has queued it again, at its turn
def import_directory(pk: int) -> None:
    """Work on a run for a slice, then queue the next slice behind whatever else is waiting."""
    if importing.work(pk):
        import_directory.delay(pk)


@shared_task(expires=2)  # type: ignore[untyped-decorator]
def keep_importing() -> None:
    """Queue a slice of every run that can go on and that nobody holds. Run by beat."""
    for pk in importing.unheld():
        import_directory.delay(pk)


@shared_task  # type: ignore[untyped-decorator]
def begin_nightly_imports() -> None:
    importing.begin_nightly(timezone.now())


@shared_task  # type: ignore[untyped-decorator]
def tidy_imports() -> None:
    importing.tidy()


@shared_task(expires=5)  # type: ignore[untyped-decorator]  # by then beat has queued it again
def call_webhooks() -> None:
    """Tell tenants' own servers what there is to tell, as long as there is more. Run by beat."""
    while webhooks.work():
        pass


@shared_task  # type: ignore[untyped-decorator]
def tidy_webhooks() -> None:
    webhooks.tidy()


@shared_task  # type: ignore[untyped-decorator]
def forget_answers() -> None:
    api_tokens.forget_answers()


@shared_task(autoretry_for=(TryAgain,), retry_backoff=True, max_retries=8)  # type: ignore[untyped-decorator]
def welcome(membership: int, platform: str, account: str) -> Any:
    """Welcome a member on a platform; tried again for some minutes while the platform cannot."""
    welcoming.welcome(Membership.objects.select_related("tenant", "user").get(pk=membership), platform, account)


@shared_task(expires=2)  # type: ignore[untyped-decorator]
def sync_people(pk: int) -> None:
    """Work on a run of User Sync for a slice, then queue the next one."""
    if user_sync.work(pk):
        sync_people.delay(pk)


@shared_task(expires=2)  # type: ignore[untyped-decorator]
def keep_syncing_people() -> None:
    """Queue a slice of every run of User Sync that can go on and that nobody holds. Run by beat."""
    for pk in user_sync.unheld():
        sync_people.delay(pk)


@shared_task  # type: ignore[untyped-decorator]
def tidy_sync_runs() -> None:
    user_sync.tidy()


@shared_task(expires=5)  # type: ignore[untyped-decorator]  # by then beat has queued it again
def read_group(pk: int) -> None:
    """Read some members of a group of Auto Sync, then queue the rest."""
    if group_reading.work(pk):
        read_group.delay(pk)


@shared_task(expires=5)  # type: ignore[untyped-decorator]
def keep_groups_synced() -> None:
    """Have groups read whose time has come, and what they have changed planned and applied. Run by beat."""
    for pk in group_reading.due():
        read_group.delay(pk)
    for tenant in group_settling.due():
        group_settling.settle(tenant)
    group_settling.apply_planned()
