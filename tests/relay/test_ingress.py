import asyncio
import hashlib
import hmac
import json
import logging
import time
from contextlib import suppress
from random import Random
from typing import Any

import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections

import connectors
from accounts.models import DirectoryImport, Doubt, Installation, PlatformApp
from connectors.contract import Envelope
from connectors.errors import Forged, Malformed
from connectors.messages import ConversationId, Kind, MessageId, Reference, WorkspaceId
from relay import ingress
from relay.doors import Door
from relay.hearsay import last_heard
from relay.models import DailyCount, Discard, InboundEvent
from tests.connectors.fuzzing import genuine, proven, spoilt, written
from tests.connectors.fuzzing import signed as fuzzed
from tests.house import House, knock

CANARY = "zinnoberrot"


def slack_event(house: House, text: str = "hello", channel: str = "", workspace: str = "") -> bytes:
    """A genuine event of the Slack fake, with parts of it exchanged."""
    house.type("slack", "Bob Okafor", text)
    payload = json.loads(house.webhooks.pop().body)
    house.webhooks.clear()
    if channel:
        payload["event"]["channel"] = channel
    if workspace:
        payload["team_id"] = payload["authorizations"][0]["team_id"] = workspace
    return json.dumps(payload).encode()


def signed(house: House, body: bytes, age: float = 0.0) -> dict[str, str]:
    stamp = str(int(time.time() - age))
    secret = house.world.fakes["slack"].secrets.signing_secret
    mac = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={mac}"}


def send(body: bytes, headers: dict[str, str], path: str = "/webhooks/slack/", method: str = "POST") -> int:
    async def work() -> int:
        try:
            return await knock(path, body, headers, method)
        finally:
            await ingress.close_inbox()
            await sync_to_async(connections.close_all)()

    return asyncio.run(work())


def counted() -> dict[str, int]:
    return dict(DailyCount.objects.values_list("name", "count"))


def test_a_genuine_event_is_answered_200_once_its_reference_is_committed(house: House) -> None:
    body = slack_event(house)
    assert send(body, signed(house, body)) == 200
    event = InboundEvent.objects.get()
    assert event.link == house.links["slack/general"]
    assert event.message == json.loads(body)["event"]["ts"]


def test_a_wrong_signature_is_answered_401_and_writes_nothing(house: House) -> None:
    body = slack_event(house)
    assert send(body, signed(house, body + b" ")) == 401
    assert not InboundEvent.objects.exists()
    assert counted() == {}


def test_a_stale_timestamp_is_answered_401_and_writes_nothing(house: House) -> None:
    body = slack_event(house)
    assert send(body, signed(house, body, age=3600)) == 401
    assert not InboundEvent.objects.exists()


def test_a_body_over_one_mebibyte_is_answered_413_before_anything_is_read(house: House) -> None:
    body = b"{" + b" " * ingress.LARGEST_BODY + b"}"
    assert send(body, signed(house, body)) == 413
    assert not InboundEvent.objects.exists()


def test_broken_json_of_a_proven_sender_is_answered_400(house: House) -> None:
    body = b'{"type": "event_callback", '
    assert send(body, signed(house, body)) == 400
    assert counted() == {}


def test_an_unknown_workspace_is_answered_200_and_only_counted(house: House) -> None:
    body = slack_event(house, workspace="T0NOBODY01")
    assert send(body, signed(house, body)) == 200
    assert not InboundEvent.objects.exists()
    assert counted() == {Discard.UNKNOWN_WORKSPACE: 1}


def test_a_channel_that_is_not_linked_is_answered_200_and_only_counted(house: House, redis: Any) -> None:
    body = slack_event(house, channel="C0NOTLINKED")
    assert send(body, signed(house, body)) == 200
    assert not InboundEvent.objects.exists()
    assert counted() == {Discard.NOT_LINKED: 1}
    assert redis.keys("vault:*") == []


def test_a_kind_that_does_not_cross_is_only_counted(house: House) -> None:
    body = slack_event(house)
    payload = json.loads(body)
    payload["event"] = {"type": "emoji_changed", "subtype": "add", "event_ts": "1.0"}
    body = json.dumps(payload).encode()
    assert send(body, signed(house, body)) == 200
    assert counted() == {Discard.NOT_CARRIED: 1}


def test_a_redelivery_is_answered_200_and_leaves_no_second_row(house: House) -> None:
    body = slack_event(house)
    assert send(body, signed(house, body)) == 200
    assert send(body, signed(house, body)) == 200
    assert InboundEvent.objects.count() == 1
    assert counted() == {Discard.DUPLICATE: 1}


def test_an_id_the_database_cannot_hold_is_answered_400_and_hurts_nobody_else(house: House) -> None:
    genuine = slack_event(house)
    payload = json.loads(slack_event(house))
    payload["api_app_id"] = "A\x00"
    hostile = json.dumps(payload).encode()

    async def work() -> list[int]:
        try:
            requests = [knock("/webhooks/slack/", body, signed(house, body)) for body in (genuine, hostile)]
            return await asyncio.gather(*requests)
        finally:
            await ingress.close_inbox()

    assert asyncio.run(work()) == [200, 400]
    assert InboundEvent.objects.count() == 1


def test_half_a_surrogate_pair_crosses_as_a_replacement_and_hurts_nobody(house: House) -> None:
    payload = json.loads(slack_event(house, "half"))
    payload["event"]["text"] = "half \ud83d an emoji"
    payload["event"].pop("blocks", None)
    body = json.dumps(payload).encode()
    assert send(body, signed(house, body)) == 200
    house.relay()
    for slug in ("teams", "webex", "zoom"):
        assert any("an emoji" in html for html in house.shown(slug))


@pytest.mark.parametrize(("path", "method", "status"), [
    ("/webhooks/icq/", "POST", 404),
    ("/webhooks/", "POST", 404),
    ("/webhooks/slack/", "GET", 405),
])  # fmt: skip
def test_other_addresses_and_methods_are_refused(house: House, path: str, method: str, status: int) -> None:
    assert send(b"", {}, path, method) == status


def test_a_platform_without_its_secret_takes_no_webhooks(house: House, settings: Any) -> None:
    body = slack_event(house)
    kind = type(settings.MIO_PLATFORM_SECRETS["slack"])
    settings.MIO_PLATFORM_SECRETS = settings.MIO_PLATFORM_SECRETS | {"slack": kind("")}
    assert send(body, signed(house, body)) == 404


def test_a_handshake_is_answered_and_stores_nothing(house: House) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "c-1", "token": "t"}).encode()
    assert send(body, signed(house, body)) == 200
    assert not InboundEvent.objects.exists()


def test_a_database_that_is_away_is_answered_503_so_that_the_platform_sends_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = slack_event(house)
    with monkeypatch.context() as patch:
        patch.setitem(connections["default"].settings_dict, "HOST", "/nowhere")
        assert send(body, signed(house, body)) == 503
    assert send(body, signed(house, body)) == 200
    assert InboundEvent.objects.count() == 1


def test_without_redis_the_reference_is_kept_and_the_platform_is_asked_later(house: House, settings: Any) -> None:
    body = slack_event(house, "still here")
    reachable = settings.REDIS_URL
    settings.REDIS_URL = "unix:///nowhere.sock"
    assert send(body, signed(house, body)) == 200
    settings.REDIS_URL = reachable
    house.relay()
    assert any("still here" in shown for shown in house.shown("webex"))


def test_all_requests_in_flight_share_few_commits(house: House) -> None:
    bodies = [slack_event(house, f"number {n}") for n in range(40)]

    async def work() -> list[int]:
        try:
            return await asyncio.gather(*(knock("/webhooks/slack/", body, signed(house, body)) for body in bodies))
        finally:
            await ingress.close_inbox()

    assert set(asyncio.run(work())) == {200}
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT xmin::text), count(*) FROM relay_inboundevent")
        transactions, rows = cursor.fetchone()
    assert rows == 40
    assert transactions <= 3


def test_no_body_is_ever_logged(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    body = slack_event(house, CANARY)
    send(body, signed(house, body))
    send(body, signed(house, body + b" "))
    send(body[:-5], signed(house, body[:-5]))
    assert CANARY not in caplog.text


@pytest.mark.parametrize("slug", connectors.slugs())
def test_garbage_is_refused_by_name_and_writes_nothing(house: House, redis: Any, slug: str) -> None:
    fake, random, garbage = house.world.fakes[slug], Random(1), list[tuple[bytes, dict[str, str]]]()
    bodies, connector = genuine(fake), connectors.get(slug)
    while len(garbage) < 300:
        body = written(random, proven(slug, fake.secrets, spoilt(random, random.choice(bodies))))
        request = fuzzed(slug, fake.secrets, body)
        with suppress(Forged, Malformed):
            connector.receive(request, fake.secrets)
            body, request = random.randbytes(50), fuzzed(slug, fake.secrets, random.randbytes(49))
        garbage.append((body, dict(request.headers)))

    async def work() -> list[int]:
        try:
            return await asyncio.gather(*(knock(f"/webhooks/{slug}/", body, headers) for body, headers in garbage))
        finally:
            await ingress.close_inbox()

    assert set(asyncio.run(work())) == ({401} if slug == "teams" else {400, 401})
    assert not InboundEvent.objects.exists()
    assert counted() == {}
    assert redis.keys("*") == []


# --- Doors of tenants' own apps, and what is told of our standing


@pytest.fixture
def own_app(house: House) -> PlatformApp:
    """Slack is connected by an app of the tenant's own."""
    installation = house.installations["slack"]
    own = PlatformApp.objects.create(
        tenant=installation.tenant, platform="slack",
        registration={"client_id": "1.2", "client_secret": "s"}, secrets={"signing_secret": "of our own"},
    )  # fmt: skip
    Installation.objects.filter(pk=installation.pk).update(app=own)
    return own


def signed_with(secret: str, body: bytes) -> dict[str, str]:
    stamp = str(int(time.time()))
    mac = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={mac}"}


def test_a_tenants_own_app_has_a_door_and_a_secret_of_its_own(house: House, own_app: PlatformApp) -> None:
    body = slack_event(house)
    door = f"/webhooks/slack/{own_app.key}/"
    assert send(body, signed(house, body), door) == 401
    assert send(body, signed_with("of our own", body), door) == 200
    assert InboundEvent.objects.count() == 1


def test_who_holds_one_apps_secret_speaks_for_no_other_apps_workspace(house: House, own_app: PlatformApp) -> None:
    body = slack_event(house)
    assert send(body, signed(house, body)) == 200
    assert not InboundEvent.objects.exists()
    assert counted() == {"unknown workspace": 1}
    Installation.objects.update(app=None)
    assert send(body, signed_with("of our own", body), f"/webhooks/slack/{own_app.key}/") == 200
    assert not InboundEvent.objects.exists()


@pytest.mark.parametrize("key", ["nobody", "x" * 17, "%00", "a/b", "../slack"])
def test_a_door_that_nobody_made_is_not_there(house: House, key: str) -> None:
    body = slack_event(house)
    assert send(body, signed(house, body), f"/webhooks/slack/{key}/") == 404


def test_an_app_whose_secrets_were_not_brought_yet_has_no_door(house: House) -> None:
    own = PlatformApp.objects.create(tenant=house.installations["slack"].tenant, platform="slack")
    body = slack_event(house)
    assert send(body, signed_with("", body), f"/webhooks/slack/{own.key}/") == 404


def test_when_a_connection_was_last_heard_of_is_remembered(house: House) -> None:
    slack = house.installations["slack"].pk
    assert last_heard([slack]) == {}
    body = slack_event(house, channel="C0UNLINKED")
    assert send(body, signed(house, body)) == 200
    assert abs(last_heard([slack])[slack].timestamp() - time.time()) < 60


# --- What makes us doubt the directory


def told(house: House, slug: str, *references: Reference) -> None:
    """Bring events of a platform to the inbox, in one commit."""
    workspace = WorkspaceId(house.installations[slug].workspace)
    door = Door(slug, None, house.world.fakes[slug].secrets)

    async def work() -> None:
        try:
            envelopes = [Envelope(workspace, f"event-{time.time_ns()}-{n}", one) for n, one in enumerate(references)]
            await asyncio.gather(*(ingress.inbox()(ingress.Arrival(door, envelope)) for envelope in envelopes))
        finally:
            await ingress.close_inbox()

    asyncio.run(work())


def about(kind: Kind, conversation: str = "", account: str = "") -> Reference:
    return Reference(kind, ConversationId(conversation), MessageId(account))


def in_doubt() -> list[tuple[str, str, str]]:
    rows = Doubt.objects.order_by("installation__platform", "conversation", "account")
    return list(rows.values_list("installation__platform", "conversation", "account"))


@pytest.fixture
def imported(house: House) -> House:
    """The directory of Slack was read, that of no other platform."""
    DirectoryImport.objects.create(installation=house.installations["slack"], state=DirectoryImport.State.DONE)
    return house


def test_what_is_told_of_the_directory_is_put_in_doubt_and_is_no_event(imported: House) -> None:
    told(
        imported, "slack",
        about(Kind.DIRECTORY, account="U1"), about(Kind.DIRECTORY, "C1"),
        about(Kind.DIRECTORY, "C2", "U1"), about(Kind.DIRECTORY, "C2", "U2"), about(Kind.DIRECTORY),
    )  # fmt: skip
    assert in_doubt() == [("slack", "", "U1"), ("slack", "C1", ""), ("slack", "C2", "")]
    assert not InboundEvent.objects.exists()
    assert counted() == {}


def test_a_notice_puts_a_channel_in_doubt_whether_it_is_linked_or_not(imported: House) -> None:
    general = imported.place("slack")
    told(imported, "slack", about(Kind.NOTICE, general, "17.1"), about(Kind.NOTICE, "C0UNLINKED", "17.2"))
    assert in_doubt() == sorted([("slack", general, ""), ("slack", "C0UNLINKED", "")])
    assert InboundEvent.objects.count() == 1


def test_a_real_join_puts_its_channel_in_doubt_once(imported: House) -> None:
    fake: Any = imported.world.fakes["slack"]
    for verb in (fake.leave_as, fake.join_as):
        verb(imported.person("slack", "Bob Okafor"), imported.place("slack"))
    imported.take_webhooks_in()
    assert in_doubt() == [("slack", imported.place("slack"), "")]
    doubt = Doubt.objects.get()
    assert doubt.noticed_at < doubt.not_before


def test_a_doubt_that_is_noticed_again_is_not_put_off(imported: House) -> None:
    told(imported, "slack", about(Kind.NOTICE, "C1"))
    before = Doubt.objects.get()
    told(imported, "slack", about(Kind.NOTICE, "C1"))
    after = Doubt.objects.get()
    assert after.noticed_at > before.noticed_at
    assert after.not_before == before.not_before


def test_where_no_directory_was_ever_read_nothing_is_in_doubt(imported: House) -> None:
    told(imported, "webex", about(Kind.DIRECTORY, account="U1"), about(Kind.NOTICE, imported.place("webex")))
    assert in_doubt() == []


def test_messages_cost_no_statement_more(imported: House, monkeypatch: pytest.MonkeyPatch) -> None:
    statements: list[str] = []
    execute = psycopg.AsyncConnection.execute

    async def noted(self: Any, query: Any, *args: Any, **more: Any) -> Any:
        statements.append(str(query))
        return await execute(self, query, *args, **more)

    monkeypatch.setattr(psycopg.AsyncConnection, "execute", noted)
    told(imported, "slack", about(Kind.POSTED, imported.place("slack"), "17.1"))
    assert len(statements) == 1
    told(imported, "slack", about(Kind.NOTICE, imported.place("slack"), "17.2"))
    assert len(statements) == 3
