"""API & webhooks: tokens and secrets are shown once, and whoever may not change anything changes nothing."""

import re
from typing import Any

from django.test import Client

from accounts.models import ApiToken, AuditEntry, WebhookEndpoint
from tests.api.programs import asked, program
from tests.people import People


def at(people: People, path: str = "") -> str:
    return f"/t/{people.acme.key}/api/{path}"


def post(browser: Client, path: str, form: dict[str, Any] | None = None) -> Any:
    return browser.post(path, form or {}, secure=True, follow=True)


def test_an_administrator_makes_a_token_sees_it_once_and_revokes_it(people: People) -> None:
    browser = people.browser(people.bob)
    form = {"name": "Nightly", "scopes": ["people:read"], "days": "30"}
    made = post(browser, at(people, "tokens/new/"), form)
    [shown] = re.findall(r"mio_[\w-]{40,}", made.content.decode())
    assert made["Cache-Control"] == "no-store"
    asked(program(shown), "people")
    listed = browser.get(at(people), secure=True).content.decode()
    assert f"ends with {shown[-4:]}" in listed
    assert shown not in listed
    said = post(browser, at(people, f"tokens/{ApiToken.objects.get().pk}/revoke/")).content.decode()
    assert "The token “Nightly” no longer works." in said
    assert program(shown).get("/api/v1/people", secure=True).status_code == 401
    actions = AuditEntry.objects.order_by("pk").values_list("actor_name", "action")
    assert list(actions) == [("bob@acme.example", "made API token"), ("bob@acme.example", "revoked API token")]


def test_a_token_without_scope_or_for_longer_than_a_year_is_not_made(people: People) -> None:
    browser = people.browser(people.bob)
    for form in ({"name": "x", "days": "30"}, {"name": "x", "scopes": ["people:read"], "days": "3650"}):
        post(browser, at(people, "tokens/new/"), form)
    assert not ApiToken.objects.exists()


def test_a_webhook_is_added_with_a_secret_shown_once_and_removed(people: People) -> None:
    browser = people.browser(people.ann)
    form = {"url": "https://hooks.acme.example/mio?key=hush", "events": ["delivery.failed"]}
    assert re.search(r"whsec_[\w+/=]{44}", post(browser, at(people, "webhooks/new/"), form).content.decode())
    row = WebhookEndpoint.objects.get()
    assert "whsec_" not in browser.get(at(people, f"webhooks/{row.pk}/"), secure=True).content.decode()
    seen = people.browser(people.carla).get(at(people, f"webhooks/{row.pk}/"), secure=True).content.decode()
    assert "hooks.acme.example" in seen
    assert "hush" not in seen
    assert "is not called any more." in post(browser, at(people, f"webhooks/{row.pk}/remove/")).content.decode()


def test_an_address_inside_is_refused_in_words(people: People) -> None:
    form = {"url": "https://127.0.0.1/", "events": ["delivery.failed"]}
    page = post(people.browser(people.ann), at(people, "webhooks/new/"), form).content.decode()
    assert "on the public internet" in page
