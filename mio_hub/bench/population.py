"""A full Hub for the pages: many tenants, one of them with half of everything, and an owner who looks at it."""

import sys
from dataclasses import dataclass

from allauth.account.models import EmailAddress
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection, transaction
from django.utils import timezone

import connectors
from accounts.models import DirectoryImport, Installation, Membership, Tenant, User
from accounts.tokens import keep
from connectors.consent import Granted
from mio_hub.bench.company import NotEmpty
from mio_hub.bench.walking import OBJECTS

SIGN_IN = "allauth.account.auth_backends.AuthenticationBackend"


@dataclass(frozen=True, slots=True)
class Size:
    """How many there are of everything. Every second one belongs to the first tenant, the rest to the others in turn.

    ``people`` have an account on each connection of their tenant, one in twenty no primary platform yet, and most of the rest
    are synced everywhere. Each of ``channels`` has a leg on two connections. ``imported`` are the channels of the directory,
    those of the legs included; every fifth bears a name that another platform has, too.
    ``subscriptions`` and ``imports`` that are over has each connection of the first tenant, ``teams`` where there are any.
    """

    tenants: int = 50
    people: int = 200_000
    members: int = 200
    invitations: int = 100
    listed: int = 200
    entries: int = 100_000
    channels: int = 2_000
    imported: int = 20_000
    subscriptions: int = 200
    teams: int = 5_000
    imports: int = 20


@dataclass(frozen=True, slots=True)
class Visitor:
    """The owner of the first tenant, signed in: ``session`` is the value of the session's cookie."""

    tenant: Tenant
    session: str


# ``whose`` is the tenant of a number: the first for the even ones.
_WHOSE = """
WITH tenants AS (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS many
                 FROM accounts_tenant WHERE name LIKE 'Company %%'),
whose AS (
    SELECT n, id AS tenant_id FROM generate_series(0, %(size)s - 1) AS n
    JOIN tenants ON place = CASE WHEN n %% 2 = 0 OR many = 1 THEN 0 ELSE 1 + n / 2 %% (many - 1) END
)
"""

_ROWS = {
    "people": """,
        homes AS (SELECT tenant_id, min(id) AS id FROM accounts_installation GROUP BY tenant_id)
        INSERT INTO accounts_person (tenant_id, name, email, places, primary_id)
        SELECT tenant_id, 'Person ' || n, 'person' || n || '@bench.example', 4, CASE WHEN n %% 20 <> 0 THEN homes.id END
        FROM whose JOIN homes USING (tenant_id)""",
    "members": """,
        users AS (
            INSERT INTO accounts_user (username, email, first_name, last_name, password, is_superuser, is_staff, is_active,
                                       date_joined)
            SELECT 'member' || n, 'member' || n || '@bench.example', 'Member', n::text, '!', false, false, true, now()
            FROM whose RETURNING id, username
        )
        INSERT INTO accounts_membership (tenant_id, user_id, role, created_at, welcomed_on)
        SELECT tenant_id, id, 'administrator', now(), '' FROM whose JOIN users ON username = 'member' || n""",
    "invitations": """
        INSERT INTO accounts_invitation (tenant_id, email, role, digest, created_at, expires_at)
        SELECT tenant_id, 'invited' || n || '@bench.example', 'auditor', 'digest' || n, now(), now() + interval '4 days'
        FROM whose""",
    "listed": """,
        trusted AS (
            INSERT INTO accounts_trustedorganization (tenant_id, domain) SELECT tenant_id, n || '.example' FROM whose
        )
        INSERT INTO accounts_restricteduser (tenant_id, email) SELECT tenant_id, 'person' || n || '@bench.example'
        FROM whose""",
    "entries": """
        INSERT INTO accounts_auditentry (tenant_id, actor_name, action, subject, before, after, address, at)
        SELECT tenant_id, 'member' || n %% 40 || '@bench.example', 'changed thing ' || n %% 30, 'Thing ' || n,
               '{"name": "old"}', '{"name": "new"}', '192.0.2.1', now() - interval '1 minute' * (%(size)s - n)
        FROM whose""",
    "channels": """,
        conversations AS (
            INSERT INTO relay_universalconversation (tenant_id, name, created_at)
            SELECT tenant_id, 'channel ' || n, now() FROM whose RETURNING id, tenant_id, name
        ),
        legs AS (
            SELECT id, tenant_id, row_number() OVER (PARTITION BY tenant_id ORDER BY id) AS place
            FROM accounts_installation
        )
        INSERT INTO relay_conversationlink (conversation_id, installation_id, external_id, name, is_active, allows_broadcast,
            allows_files, carries_apps, shows_notices, follows_names, shows_corrections, setbacks, reason)
        SELECT c.id, legs.id, 'place' || c.id, c.name, true, false, true, true, true, true, true, 0, ''
        FROM conversations c JOIN legs USING (tenant_id) WHERE legs.place <= 2""",
    "imported": """,
        linked AS (
            INSERT INTO accounts_channel
                (installation_id, external_id, name, topic, is_private, is_archived, is_entered, members_count)
            SELECT l.installation_id, l.external_id, l.name, '', false, false, true, 12
            FROM relay_conversationlink l JOIN relay_universalconversation u ON u.id = l.conversation_id
            WHERE l.external_id LIKE 'place%%'
        ),
        spots AS (
            SELECT id, tenant_id, row_number() OVER (PARTITION BY tenant_id ORDER BY id) - 1 AS place,
                   count(*) OVER (PARTITION BY tenant_id) AS many
            FROM accounts_installation
        )
        INSERT INTO accounts_channel
            (installation_id, external_id, name, topic, is_private, is_archived, is_entered, members_count)
        SELECT spots.id, 'room' || n, 'Room ' || CASE WHEN n %% 10 IN (2, 4) THEN n / 10 * 10 ELSE n END, '',
               n %% 7 = 0, n %% 50 = 0, true, n %% 300
        FROM whose JOIN spots USING (tenant_id) WHERE spots.place = n / 2 %% spots.many""",
}
"""By the field of ``Size`` that says how many."""

_ACCOUNTS = """
INSERT INTO accounts_platformaccount (installation_id, person_id, external_id, name, email, avatar_url, is_bot)
SELECT i.id, p.id, 'account' || p.id, p.name, p.email, 'https://avatars.example.com/' || p.id || '.png', false
FROM accounts_person p JOIN accounts_installation i USING (tenant_id)
"""

_SYNCS = """
INSERT INTO accounts_usersync (person_id, installation_id, account_id, kind, state, reason, is_ours, by_group, created_at)
SELECT p.id, i.id, a.id, CASE i.platform WHEN 'teams' THEN 'guest' ELSE 'full' END, 'synced', '', false, false, now()
FROM accounts_person p JOIN accounts_platformaccount a ON a.person_id = p.id
JOIN accounts_installation i ON i.id = a.installation_id WHERE i.id <> p.primary_id AND p.name NOT LIKE '%%4'
"""

_SUBSCRIPTIONS = """
INSERT INTO accounts_subscription (installation_id, resource, external_id, problem, checked_at)
SELECT i.id, 'resource ' || n, 'subscription' || n, '', now()
FROM accounts_installation i, generate_series(1, %(size)s) AS n WHERE i.tenant_id = %(tenant)s
"""

_TEAMS = """
INSERT INTO accounts_team (installation_id, external_id, name, description, is_chosen, problem)
SELECT i.id, 'team' || n, 'Team ' || n, 'About ' || n, n %% 10 = 0, CASE WHEN n %% 100 = 0 THEN 'Shut' ELSE '' END
FROM accounts_installation i, generate_series(1, %(size)s) AS n
WHERE i.tenant_id = %(tenant)s AND i.platform IN ('teams', 'webex')
"""

_IMPORTED = {kind: {"added": 12, "changed": 3, "removed": 1} for kind in ("teams", "people", "channels", "memberships")}
"""What a run that is over did."""


@transaction.atomic
def fill(size: Size) -> Visitor:
    """Fill an empty, migrated database. Raises ``NotEmpty`` for any other."""
    if Tenant.objects.exists() or User.objects.exists():
        raise NotEmpty("This database is in use. ./hub bench brings one of its own; run that.")
    print(f"bench: {size.people:,} people move in …", file=sys.stderr, flush=True)
    tenants = Tenant.objects.bulk_create([Tenant(name=f"Company {number}") for number in range(size.tenants)])
    visitor = _visitor(tenants)  # first, for what follows is addressed to them
    for make in OBJECTS.values():
        make(tenants[0])
    _connect(tenants)
    with connection.cursor() as cursor:
        for name, rows in _ROWS.items():
            cursor.execute(_WHOSE + rows, {"size": getattr(size, name)})
        cursor.execute(_ACCOUNTS)
        cursor.execute(_SYNCS, {})
        cursor.execute(_SUBSCRIPTIONS, {"size": size.subscriptions, "tenant": tenants[0].pk})
        cursor.execute(_TEAMS, {"size": size.teams, "tenant": tenants[0].pk})
    _import(tenants[0], size.imports)
    return visitor


def analyze() -> None:
    """Let PostgreSQL count, as its autovacuum does within a minute of such a change."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


@transaction.atomic
def leave() -> None:
    """Undo ``fill``."""
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE accounts_tenant, accounts_user, django_session CASCADE"
        )  # row by row would take minutes


def _connect(tenants: list[Tenant]) -> None:
    """Every platform in every tenant; the first has one more, to which its addresses lead. Only its own have tokens."""
    rows = [
        Installation(
            tenant=tenant, platform=slug, workspace=f"W-{tenant.key}", name=f"{tenant} on {slug}", account="U0"
        )
        for tenant in tenants
        for slug in connectors.slugs()
    ]
    Installation.objects.bulk_create(rows)
    for installation in Installation.objects.filter(tenant=tenants[0]):
        keep(installation, [Granted("bot", "bench")])


def _import(tenant: Tenant, times: int) -> None:
    """Each connection was imported so often."""
    rows = [
        DirectoryImport(installation=installation, state="done", report=_IMPORTED, ended_at=timezone.now())
        for installation in Installation.objects.filter(tenant=tenant)
        for _ in range(times)
    ]
    DirectoryImport.objects.bulk_create(rows)


def _visitor(tenants: list[Tenant]) -> Visitor:
    """They own the first tenant and audit the last."""
    owner = User.objects.create_user("owner", "owner@bench.example", first_name="Ann", last_name="Moreau")
    EmailAddress.objects.create(user=owner, email=owner.email, verified=True, primary=True)
    Membership.objects.create(tenant=tenants[0], user=owner, role=Membership.Role.OWNER)
    Membership.objects.create(tenant=tenants[-1], user=owner, role=Membership.Role.AUDITOR)
    session = SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(owner.pk), SIGN_IN
    session[HASH_SESSION_KEY] = owner.get_session_auth_hash()
    session.save()
    return Visitor(tenants[0], str(session.session_key))
