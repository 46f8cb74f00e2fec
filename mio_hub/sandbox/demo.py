"""Fills the database with the company that lives in the sandbox, so that the Hub knows it from the first minute."""

from allauth.account.models import EmailAddress
from django.db import transaction

from accounts.matching import remember
from accounts.models import Installation, Membership, Tenant, User
from accounts.tokens import keep
from connectors.consent import Granted
from connectors.sandbox import CHANNELS, COMPANY, Fake, World
from relay.models import ConversationLink, UniversalConversation

LOGIN, EMAIL, PASSWORD = "demo", "demo@acme.example", "demo"
"""The last two are printed by `./hub up`: the sandbox has nothing to protect."""


@transaction.atomic
def seed(world: World) -> Tenant:
    """Bring the database in line with ``world``. Doing it again changes nothing."""
    tenant, _ = Tenant.objects.get_or_create(name=COMPANY)
    installations = connect(tenant, world)
    for slug, fake in world.fakes.items():
        remember(installations[slug].pk, fake.directory())
    for channel in CHANNELS:
        if channel.linked:
            link(tenant, channel.name, installations, world)
    add_administrator(tenant)
    return tenant


def add_administrator(tenant: Tenant) -> None:
    """The demo company's owner, who may also look into the tables at `/admin/`. Only ever on a Hub of pretend platforms."""
    may = {"is_staff": True, "is_superuser": True}
    user, created = User.objects.get_or_create(username=LOGIN, defaults=may)
    if created:
        user.set_password(PASSWORD)
    user.email, user.first_name = EMAIL, "Demo"
    user.save()
    EmailAddress.objects.update_or_create(user=user, email=EMAIL, defaults={"verified": True, "primary": True})
    Membership.objects.get_or_create(tenant=tenant, user=user, defaults={"role": Membership.Role.OWNER})


def connect(tenant: Tenant, world: World) -> dict[str, Installation]:
    """One installation per platform, with what it would hold after a successful consent."""
    wanted = [installation(tenant, fake) for fake in world.fakes.values()]
    changing = ["tenant", "name", "state", "account", "extra"]
    key = ["platform", "workspace"]
    saved = Installation.objects.bulk_create(wanted, update_conflicts=True, update_fields=changing, unique_fields=key)
    for each in saved:
        held = world.fakes[each.platform].credentials().tokens.items()
        keep(each, [Granted(kind, access) for kind, access in held])
    return {each.platform: each for each in saved}


def installation(tenant: Tenant, fake: Fake) -> Installation:
    """The connection to one platform, not saved yet."""
    held = fake.credentials()
    return Installation(
        tenant=tenant,
        platform=fake.slug,
        workspace=held.workspace,
        name=COMPANY,
        account=held.account,
        extra=dict(held.extra),
    )


def link(tenant: Tenant, name: str, installations: dict[str, Installation], world: World) -> None:
    """One conversation with a leg on every platform."""
    conversation, _ = UniversalConversation.objects.get_or_create(tenant=tenant, name=name)
    wanted = [
        ConversationLink(
            conversation=conversation, installation=installations[slug], external_id=place.conversation, name=name
        )
        for slug, fake in world.fakes.items()
        for place in fake.places()
        if place.name == name
    ]
    changing = ["conversation", "name", "is_active"]
    key = ["installation", "external_id"]
    ConversationLink.objects.bulk_create(wanted, update_conflicts=True, update_fields=changing, unique_fields=key)
