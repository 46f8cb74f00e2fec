"""General and security settings, and the end of a tenant as its owner sees it."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django import forms
from django.test import Client
from django.utils import timezone
from lxml import html

from accounts import tenant_settings
from accounts.deleting import GRACE
from accounts.models import AuditEntry, Installation, RestrictedUser, Tenant, TrustedOrganization
from mio_hub.hub.forms import LongSelect
from relay.models import ConversationLink, UniversalConversation
from tests.people import People

GENERAL = {"name": "Acme", "time_zone": "Europe/Oslo", "product_name": "Acme Chat", "command_name": "acme"}
SECURITY = {"shares_files": "on", "shares_files_of_guests": "on", "shares_files_outside": "on", "preset": "published"}


def post(browser: Client, people: People, path: str, form: dict[str, str] | None = None) -> str:
    return browser.post(f"/t/{people.acme.key}/settings/{path}", form or {}, secure=True, follow=True).content.decode()


def link(tenant: Tenant, workspace: str) -> ConversationLink:
    installation = Installation.objects.create(tenant=tenant, platform="slack", workspace=workspace, account="a")
    conversation = UniversalConversation.objects.create(tenant=tenant, name="general")
    return ConversationLink.objects.create(conversation=conversation, installation=installation, external_id="C1")


def test_a_change_is_kept_shown_and_written_down(people: People) -> None:
    page = post(people.browser(people.bob), people, "", GENERAL | {"shows_notices": "on"})
    assert "Saved." in page
    assert "Acme Chat" in page
    entry = AuditEntry.objects.get()
    assert entry.before == {"time_zone": "UTC", "product_name": "Mio Hub", "command_name": "mio"}
    assert entry.after == {"time_zone": "Europe/Oslo", "product_name": "Acme Chat", "command_name": "acme"}


def test_saving_the_same_again_writes_nothing_down(people: People) -> None:
    browser = people.browser(people.bob)
    post(browser, people, "", GENERAL)
    assert "Nothing was different" in post(browser, people, "", GENERAL)
    assert AuditEntry.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("time_zone", "Mars/Olympus"),
        ("command_name", "Mio!"),
        ("command_name", "a\nb"),
        ("name", ""),
        ("name", "x" * 201),
    ],
)
def test_what_makes_no_sense_is_refused_beside_its_field(people: People, field: str, value: str) -> None:
    page = post(people.browser(people.bob), people, "", GENERAL | {field: value})
    assert f'id="id_{field}_error"' in page
    assert not AuditEntry.objects.exists()


def test_switches_reach_the_tenants_own_channels_and_no_others(people: People) -> None:
    ours, theirs = link(people.acme, "T1"), link(people.globex, "T2")
    browser = people.browser(people.ann)
    post(browser, people, "", GENERAL)
    post(browser, people, "security/", {name: value for name, value in SECURITY.items() if name != "shares_files"})
    ours.refresh_from_db()
    theirs.refresh_from_db()
    assert (ours.shows_notices, ours.allows_files) == (False, False)
    assert (theirs.shows_notices, theirs.allows_files) == (True, True)


def test_a_switch_of_one_channel_outlives_other_changes(people: People) -> None:
    ours = link(people.acme, "T1")
    ConversationLink.objects.filter(pk=ours.pk).update(allows_files=False)
    post(people.browser(people.ann), people, "security/", SECURITY | {"preset": "full"})
    ours.refresh_from_db()
    assert not ours.allows_files


def test_nobody_locks_themselves_out_by_requiring_a_second_factor(people: People) -> None:
    browser = people.browser(people.ann)
    assert "Set up a second factor for your own account first" in post(
        browser, people, "security/", SECURITY | {"requires_two_factor": "on"}
    )
    people.acme.refresh_from_db()
    assert not people.acme.requires_two_factor


def test_a_required_second_factor_is_asked_of_everybody(people: People) -> None:
    Authenticator.objects.create(user=people.ann, type=Authenticator.Type.TOTP, data={"secret": ""})
    browser = people.browser(people.ann)
    assert "Saved." in post(browser, people, "security/", SECURITY | {"requires_two_factor": "on"})
    bob = people.browser(people.bob).get(f"/t/{people.acme.key}/", secure=True)
    assert bob["Location"] == f"/second-factor/{people.acme.key}/"
    assert people.browser(people.dev).get(f"/t/{people.globex.key}/", secure=True).status_code == 200


def test_a_domain_is_trusted_as_it_stands_in_addresses(people: People) -> None:
    browser = people.browser(people.bob)
    page = post(browser, people, "security/trusted/", {"domain": " @Bücher.Example. "})
    assert "xn--bcher-kva.example is trusted." in page
    assert "is on the list already" in post(browser, people, "security/trusted/", {"domain": "bücher.example"})
    trusted = TrustedOrganization.objects.get()
    assert "is off the list" in post(browser, people, f"security/trusted/{trusted.pk}/remove/")
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", "subject"))
    assert actions == [
        ("trusted an organization", "xn--bcher-kva.example"),
        ("no longer trusts an organization", "xn--bcher-kva.example"),
    ]


@pytest.mark.parametrize(
    "domain", ["", "example", "exa mple.com", "a@b.com", "https://example.com", "-x.com", "é" * 80 + ".com"]
)
def test_what_is_no_domain_is_refused(people: People, domain: str) -> None:
    page = post(people.browser(people.bob), people, "security/trusted/", {"domain": domain})
    assert 'id="id_domain_error"' in page
    assert not TrustedOrganization.objects.exists()


def test_a_user_is_restricted_and_set_free(people: People) -> None:
    browser = people.browser(people.bob)
    assert "eve@acme.example is restricted." in post(
        browser, people, "security/restricted/", {"email": "Eve@Acme.Example"}
    )
    post(browser, people, f"security/restricted/{RestrictedUser.objects.get().pk}/remove/")
    assert not RestrictedUser.objects.exists()


def test_a_list_has_an_end(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenant_settings, "MOST_LISTED", 0)
    assert "The list is full" in post(people.browser(people.bob), people, "security/trusted/", {"domain": "a.example"})


def test_an_owner_deletes_by_typing_the_name_and_keeps_it_after_all(people: People) -> None:
    browser = people.browser(people.ann)
    assert "This is not the name. Nothing was changed." in post(browser, people, "delete/", {"name": "acme"})
    page = post(browser, people, "delete/", {"name": "Acme"})
    assert "Acme will be deleted on" in page
    for user, is_offered in ((people.ann, True), (people.carla, False)):
        page = people.browser(user).get(f"/t/{people.acme.key}/audit/", secure=True).content.decode()
        assert "Acme will be deleted on" in page, "on every page"
        assert ("Keep it after all" in page) is is_offered
    assert "Acme stays. Nothing of it was deleted." in post(browser, people, "keep/")
    people.acme.refresh_from_db()
    assert people.acme.deleted_at is None


def test_what_is_under_way_cannot_be_kept(people: People) -> None:
    Tenant.objects.filter(pk=people.acme.pk).update(deleted_at=timezone.now() - GRACE)
    assert "cannot be taken back" in post(people.browser(people.ann), people, "keep/")


def test_an_auditor_sees_settings_greyed_out(people: People) -> None:
    page: Any = people.browser(people.carla).get(f"/t/{people.acme.key}/settings/security/", secure=True)
    assert "not change them" in page.content.decode()
    assert all(field.disabled for field in page.context["form"].fields.values())


@pytest.mark.parametrize(("chosen", "marked"), [('"b"', ['"b"']), ("7", ["7"]), (7, ["7"]), (None, [""]), ("x", [])])
def test_a_long_list_is_drawn_as_django_draws_it(chosen: Any, marked: list[str]) -> None:
    choices = [("", "All"), ("a", "A & <b>"), ('"b"', "B"), (7, "C")]
    drawn = [
        html.fromstring(widget.render("zone", chosen, {"id": "id_zone", "required": True}))
        for widget in (LongSelect(choices=choices), forms.Select(choices=choices))
    ]
    ours, theirs = ([(one.tag, dict(one.attrib), (one.text or "").strip()) for one in each.iter()] for each in drawn)
    assert [(tag, set(attrs), text) for tag, attrs, text in ours] == [
        (tag, set(attrs), text) for tag, attrs, text in theirs
    ]
    assert [attrs.get("value") for _, attrs, _ in ours if "selected" in attrs] == marked


def test_a_form_is_drawn_once(people: People) -> None:
    page = people.browser(people.ann).get(f"/t/{people.acme.key}/settings/", secure=True).content.decode()
    assert page.count('id="id_time_zone"') == 1
