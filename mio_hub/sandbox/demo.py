"""Fills the database with the company that lives in the sandbox, so that the Hub knows it from the first minute."""

from urllib.parse import parse_qsl, urlsplit

from allauth.account.models import EmailAddress
from django.db import transaction

from accounts import importing
from accounts.matching import remember
from accounts.models import Installation, Membership, Team, Tenant, User
from accounts.tokens import keep
from connectors.calls import Response
from connectors.consent import Granted
from connectors.contract import Request
from connectors.directory import ListsTeams
from connectors.http import Outgoing, drive_blocking
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


def begin_imports(world: World) -> None:
    """Have the directories of all platforms imported, every team of theirs included, unless they were before."""
    for slug, fake in world.fakes.items():
        place = Installation.objects.prefetch_related("tokens").get(
            platform=slug, workspace=fake.credentials().workspace
        )
        if not place.imports.exists():
            choose_teams(place, fake)
            importing.begin(place)


def choose_teams(place: Installation, fake: Fake) -> None:
    """Asked of the fake itself: the sandbox may not be up yet."""
    connector = place.connector()
    if not isinstance(connector, ListsTeams):
        return

    def answer(outgoing: Outgoing) -> Response:
        url = urlsplit(outgoing.url)
        headers = {name.lower(): value for name, value in outgoing.headers.items()} | {"host": url.netloc}
        return fake.handle(
            Request(outgoing.method, outgoing.url.partition("?")[0], headers, dict(parse_qsl(url.query)), b"")
        )

    teams = drive_blocking(connector.teams(), answer, connector.credentials).items
    rows = [Team(installation=place, external_id=team.id, name=team.name, is_chosen=True) for team in teams]
    Team.objects.bulk_create(rows, ignore_conflicts=True)


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
