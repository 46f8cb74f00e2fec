"""A tenant's own server is told what happens: signed, tried again, and never anything that was said."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from django.test import RequestFactory
from django.utils import timezone

from accounts import watching, webhooks
from accounts.members import NotPossible
from accounts.models import AuditEntry, Installation, Membership, Tenant, WebhookCall, WebhookEndpoint, WebhookEvent
from connectors.calls import Response
from connectors.http import NotSent, Outgoing
from mio_hub.bench.failing import failure
from relay import summing
from relay.models import Attempt
from tests.people import People

HOUR = timedelta(hours=1)
URL = "https://hooks.acme.example/mio?key=hush"


class Server:
    """Acme's own server: answers with each status in turn, then with the last one; None: it is not there."""

    def __init__(self, *statuses: int | None) -> None:
        self.statuses = list(statuses)
        self.heard: list[Outgoing] = []

    async def __call__(self, outgoing: Outgoing) -> Response:
        self.heard.append(outgoing)
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status is None:
            raise NotSent
        return Response(status)


def added(tenant: Tenant, events: Iterable[str] = WebhookEvent, url: str = URL) -> str:
    owner = Membership.objects.select_related("tenant", "user").get(tenant=tenant, role="owner")
    request = RequestFactory().get("/")
    request.user = owner.user
    return webhooks.add(owner, url, events, request)


def tell(tenant: Tenant, **data: Any) -> None:
    webhooks.tell(tenant, WebhookEvent.IMPORT_NEEDS_DECISION, data)


def due_now() -> None:
    WebhookCall.objects.filter(not_before__isnull=False).update(not_before=timezone.now())


def test_a_call_is_signed_as_standard_webhooks_says(people: People) -> None:
    secret, server = added(people.acme), Server(204)
    tell(people.acme, connection=7)
    assert webhooks.work(server) == 1
    [call] = server.heard
    body = call.body or b""
    name, time = call.headers["webhook-id"], call.headers["webhook-timestamp"]
    key = base64.b64decode(secret.removeprefix("whsec_"))
    proof = base64.b64encode(hmac.new(key, f"{name}.{time}.".encode() + body, hashlib.sha256).digest()).decode()
    assert call.headers["webhook-signature"] == f"v1,{proof}"
    assert (call.url, json.loads(body)["type"], json.loads(body)["data"]) == (
        URL, "import.needs_decision", {"connection": 7},
    )  # fmt: skip
    assert webhooks.work(server) == 0


def test_what_did_not_arrive_is_tried_again_under_the_same_name(people: People) -> None:
    added(people.acme)
    server = Server(500, None, 200)
    tell(people.acme)
    for _ in range(3):
        webhooks.work(server)
        assert webhooks.work(server) == 0  # not at once
        due_now()
    assert len({each.headers["webhook-id"] for each in server.heard}) == 1
    call = WebhookCall.objects.get()
    assert call.arrived_at
    assert (call.tries, call.not_before) == (3, None)
    assert WebhookEndpoint.objects.get().failing_since is None


def test_after_ten_tries_a_call_is_given_up(people: People) -> None:
    added(people.acme)
    tell(people.acme)
    server = Server(500)
    while webhooks.work(server):
        due_now()
    assert len(server.heard) == 10
    assert WebhookCall.objects.get().arrived_at is None


def test_a_server_that_fails_for_days_is_called_no_more_and_the_log_says_so(people: People) -> None:
    added(people.acme)
    WebhookEndpoint.objects.update(failing_since=timezone.now() - timedelta(days=6))
    tell(people.acme)
    tell(people.acme)
    webhooks.work(Server(None))
    assert WebhookEndpoint.objects.get().disabled_at
    tell(people.acme)
    due_now()
    assert webhooks.work(Server(200)) == 0
    [entry] = AuditEntry.objects.filter(action="stopped calling webhook")
    assert entry.subject == "hooks.acme.example"


def test_a_server_that_wants_no_more_calls_gets_none(people: People) -> None:
    added(people.acme)
    tell(people.acme)
    webhooks.work(Server(410))
    assert WebhookEndpoint.objects.get().disabled_at


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.acme.example/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://me@acme.example/",
        "https://a.b:8443/",
    ],
)
def test_an_address_inside_is_not_taken(people: People, url: str) -> None:
    with pytest.raises(NotPossible, match="Nothing was changed"):
        added(people.acme, url=url)
    assert not WebhookEndpoint.objects.exists()


def test_a_name_that_leads_inside_is_not_called(people: People) -> None:
    added(people.acme, url="https://localhost.localdomain/")
    tell(people.acme)
    webhooks.work()
    assert WebhookEndpoint.objects.get().outcome == "the server could not be reached at a public address"


def test_each_tenant_hears_of_itself_and_of_what_it_wants(people: People) -> None:
    added(people.acme, [WebhookEvent.DELIVERY_FAILED])
    added(people.globex)
    tell(people.acme)
    tell(people.globex)
    assert [call.endpoint.tenant for call in WebhookCall.objects.order_by("pk")] == [people.globex]


def test_neither_secret_nor_path_stands_in_the_audit_log(people: People) -> None:
    secret = added(people.acme)
    told = str(list(AuditEntry.objects.order_by("pk").values()))
    assert "hooks.acme.example" in told
    assert "hush" not in told
    assert secret not in told
    assert secret not in repr(WebhookEndpoint.objects.get())


# --- What happens


def test_a_lost_connection_is_told_once(people: People) -> None:
    added(people.acme)
    place = Installation.objects.create(
        tenant=people.acme, platform="webex", workspace="w", name="Acme", account="a", state="needs reconnect",
        problem="The token was revoked.", flagged_at=timezone.now(),
    )  # fmt: skip
    watching.tell_administrators()
    watching.tell_administrators()
    [call] = WebhookCall.objects.order_by("pk")
    assert (call.event, call.data) == (
        "connection.needs_attention",
        {"connection": place.pk, "platform": "webex", "problem": "The token was revoked."},
    )


def test_many_failures_of_one_channel_are_one_call(people: People) -> None:
    added(people.acme)
    added(people.globex)
    row = failure(people.acme)
    since = timezone.now() - HOUR
    for _ in range(3):
        Attempt.objects.create(delivery=row, outcome="gone", reason="archived", ended_at=since)
    WebhookEndpoint.objects.update(created_at=since - HOUR)
    summing.sum_up()
    summing.sum_up()
    [call] = WebhookCall.objects.order_by("pk")
    assert (call.event, call.endpoint.tenant, call.data["count"]) == ("delivery.failed", people.acme, 3)
    assert call.data["deliveries"] == [row.pk] * 3
    assert call.data["reason"] == "archived"


def test_what_failed_before_somebody_wanted_to_know_is_not_told(people: People) -> None:
    row = failure(people.acme)
    before = timezone.now() - HOUR
    Attempt.objects.create(delivery=row, outcome="gone", reason="archived", ended_at=before)
    added(people.acme)
    summing.sum_up()
    assert not WebhookCall.objects.exists()
