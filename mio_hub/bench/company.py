"""Who the benchmark's messages belong to: a tenant with Slack on one side, Webex on the other, and linked channels."""

from django.db import connection, transaction

from accounts.matching import remember
from accounts.models import Installation, Tenant
from accounts.tokens import keep
from connectors.consent import Granted
from connectors.messages import Account, AccountId
from mio_hub.bench import traffic
from mio_hub.bench.bare import TABLE
from relay.models import ConversationLink, UniversalConversation

NAME = "Benchmark"


class NotEmpty(Exception):
    """The database belongs to somebody. Its text is fit to be shown."""


@transaction.atomic
def settle(channels: int) -> None:
    """Fill an empty, migrated database. Raises ``NotEmpty`` for any other."""
    if Tenant.objects.exists():
        raise NotEmpty("This database is in use. ./hub bench brings one of its own; run that.")
    tenant = Tenant.objects.create(name=NAME)
    slack = _connect(tenant, "slack", traffic.TEAM, traffic.BOT, {"bot": "xoxb-bench"}, {"bot_id": traffic.BOT_PROFILE})
    webex = _connect(tenant, "webex", traffic.ORGANIZATION, traffic.SERVICE_USER, {"service": "bench"}, {})
    remember(slack.pk, [_account(traffic.person(number), number) for number in range(traffic.PEOPLE)])
    remember(webex.pk, [_account(traffic.webex_id("PEOPLE", n + 1), n) for n in range(traffic.PEOPLE)])
    for number in range(channels):
        _link(tenant, slack, webex, number)
    with connection.cursor() as cursor:
        cursor.execute(TABLE)


@transaction.atomic
def leave() -> None:
    """Undo ``settle``, and forget everything that was relayed since."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE accounts_tenant CASCADE")  # row by row would take minutes
        cursor.execute("DROP TABLE bench_bare")


def _connect(
    tenant: Tenant, platform: str, workspace: str, account: str, tokens: dict[str, str], extra: dict[str, str]
) -> Installation:
    installation = Installation.objects.create(
        tenant=tenant, platform=platform, workspace=workspace, name=NAME, account=account, extra=extra
    )
    keep(installation, [Granted(kind, access) for kind, access in tokens.items()])
    return installation


def _account(id_: str, number: int) -> Account:
    avatar = f"https://avatars.example.com/{number}.png"
    return Account(AccountId(id_), f"Person {number}", f"person{number}@bench.example", avatar)


def _link(tenant: Tenant, slack: Installation, webex: Installation, number: int) -> None:
    conversation = UniversalConversation.objects.create(tenant=tenant, name=f"channel {number}")
    for installation, place in ((slack, traffic.channel(number)), (webex, traffic.room(number))):
        ConversationLink.objects.create(
            conversation=conversation, installation=installation, external_id=place, name=conversation.name
        )
