"""Who is active and how much crosses, summed up from the ledger: each message once, whatever breaks in between."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from accounts.models import PlatformAccount, Tenant
from connectors.sandbox import Fault
from relay import activity, page, summing
from relay.database import connection_parameters
from relay.models import (
    ActiveAccount,
    DailySpeaker,
    DailyTraffic,
    LinkPulse,
    MessageCopy,
    Participation,
    RelayedMessage,
    RollupMark,
)
from tests.house import House


def age(house: House, days: int = 0, minutes: int = 5) -> None:
    """Let time pass over what is in the ledger."""
    with connection.cursor() as cursor:
        for table, column in (("relay_messagecopy", "created_at"), ("relay_attempt", "ended_at")):
            passed = f"UPDATE {table} SET {column} = {column} - make_interval(days => %s, mins => %s)"  # noqa: S608 (ours)
            cursor.execute(passed, (days, minutes))


def summed(house: House, **passed: int) -> None:
    house.relay()
    age(house, **passed)
    summing.sum_up()


def totals(slug: str) -> tuple[int, int, int]:
    rows = DailyTraffic.objects.filter(installation__platform=slug).order_by("day")
    return sum(row.said for row in rows), sum(row.delivered for row in rows), sum(row.failed for row in rows)


def users(tenant: Tenant, search: str = "") -> list[activity.ActiveUser]:
    return activity.users(activity.active(tenant, search), None, 100)


def test_what_is_said_delivered_and_failed_is_counted_where_it_was(house: House) -> None:
    house.type("slack", "Bob Okafor", "one")
    house.relay()
    house.world.faults.append(Fault("webex", status=403))
    house.type("teams", "Dev Patel", "two")
    house.relay()
    house.world.faults.clear()
    summed(house)
    assert {slug: totals(slug) for slug in ("slack", "teams", "webex", "zoom")} == {
        "slack": (1, 1, 0), "teams": (1, 1, 0), "webex": (0, 1, 1), "zoom": (0, 2, 0),
    }  # fmt: skip


def test_summing_up_again_counts_nothing_twice(house: House) -> None:
    house.type("slack", "Bob Okafor", "one")
    summed(house)
    summing.sum_up()
    assert totals("slack") == (1, 0, 0)
    assert DailySpeaker.objects.get().count == 1


def test_a_crash_in_mid_portion_repeats_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.type("slack", "Bob Okafor", "one")
    house.relay()
    age(house)
    RollupMark.objects.create(name="copies")
    with monkeypatch.context() as patch:
        patch.setattr(RollupMark, "save", lambda self: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            summing.sum_up()
    assert totals("slack") == (0, 0, 0)
    summing.sum_up()
    assert totals("slack") == (1, 0, 0)


def test_many_portions_count_what_one_does(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summing, "PORTION", 2)
    for number in range(5):
        house.type("slack", "Bob Okafor", f"number {number}")
    summed(house)
    assert totals("slack") == (5, 0, 0)
    assert totals("zoom") == (0, 5, 0)


def test_what_is_not_settled_yet_is_counted_later(house: House) -> None:
    house.type("slack", "Bob Okafor", "one")
    house.relay()
    summing.sum_up()
    assert totals("slack") == (0, 0, 0)
    age(house)
    summing.sum_up()
    assert totals("slack") == (1, 0, 0)


def test_what_comes_to_light_late_is_counted_all_the_same(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summing, "SETTLED", timedelta())
    house.type("slack", "Bob Okafor", "one")
    house.relay()
    with psycopg.connect(**connection_parameters()) as slow:
        slow.execute("SELECT pg_current_xact_id()")  # it writes, so it may hold ids that nobody sees yet
        house.type("slack", "Bob Okafor", "two")
        house.relay()
        summing.sum_up()
        assert totals("slack") == (1, 0, 0)
    summing.sum_up()
    assert totals("slack") == (2, 0, 0)


def test_a_notice_and_our_own_words_are_nobodys_activity(house: House) -> None:
    house.type("teams", "Dev Patel", "@Mio Hub help")
    summed(house)
    assert not DailySpeaker.objects.exists()
    assert totals("teams") == (0, 0, 0)


def test_a_person_on_two_platforms_is_one_active_user(house: House) -> None:
    house.type("slack", "Bob Okafor", "here")
    house.relay()
    others = PlatformAccount.objects.filter(installation__platform="teams", name="Dev Patel")
    others.update(person=PlatformAccount.objects.get(installation__platform="slack", name="Bob Okafor").person)
    house.type("teams", "Dev Patel", "and there")
    summed(house)
    [bob] = users(house.tenant)
    assert bob.name == "Bob Okafor"
    assert bob.platforms == ["Slack", "Teams"]
    assert bob.channels == {house.general.pk}
    said = MessageCopy.objects.filter(link=F("message__origin")).latest("created_at")
    assert bob.last_on == said.created_at.date()


def test_active_users_are_found_by_name_and_by_address(house: House) -> None:
    house.type("slack", "Bob Okafor", "one")
    house.type("teams", "Dev Patel", "two")
    summed(house)
    assert {user.name for user in users(house.tenant)} == {"Bob Okafor", "Dev Patel"}
    assert [user.name for user in users(house.tenant, "OKAF")] == ["Bob Okafor"]
    email = PlatformAccount.objects.filter(name="Dev Patel", installation__platform="teams").get().email
    assert [user.name for user in users(house.tenant, email[:6].upper())] == ["Dev Patel"]


def test_who_said_nothing_for_a_month_is_not_active_and_is_forgotten_after_two(house: House) -> None:
    house.type("slack", "Bob Okafor", "long ago")
    summed(house, days=40)
    assert users(house.tenant) == []
    summing.forget()
    assert ActiveAccount.objects.count() == 1
    DailySpeaker.objects.update(day=date(2020, 1, 1))
    ActiveAccount.objects.update(last_on=date(2020, 1, 1))
    DailyTraffic.objects.update(day=timezone.now().date() - timedelta(days=390))
    summing.forget()
    assert (DailySpeaker.objects.count(), ActiveAccount.objects.count()) == (0, 0)
    assert DailyTraffic.objects.count() == 4


def test_other_companies_are_told_by_name_and_their_people_not_at_all(house: House) -> None:
    globex, hooli = Tenant.objects.create(name="Globex"), Tenant.objects.create(name="Hooli")
    for tenant in (house.tenant, globex):
        Participation.objects.create(conversation=house.general, tenant=tenant)
    Participation.objects.create(
        conversation=house.general, tenant=hooli, ended_at=datetime(2030, 1, 1, tzinfo=UTC), ended_by="left"
    )
    house.installations["teams"].tenant = globex
    house.installations["teams"].save()
    house.type("slack", "Bob Okafor", "one")
    house.type("teams", "Dev Patel", "two")
    summed(house)
    [bob] = users(house.tenant)
    assert (bob.name, bob.organizations) == ("Bob Okafor", ["Globex"])
    [dev] = users(globex)
    assert (dev.name, dev.organizations) == ("Dev Patel", ["Acme"])
    [shared] = activity.organizations(house.tenant)
    assert (shared.name, shared.channels) == ("Globex", ["general"])
    assert [leg.platform for leg in activity.legs(globex, [house.general])[house.general.pk]] == ["Teams"]
    assert set(activity.traffic(globex)) == {"Teams"}


def test_a_channel_shows_what_waits_what_failed_and_how_long_it_takes(house: House) -> None:
    house.type("slack", "Bob Okafor", "one")
    house.relay()
    house.world.faults.append(Fault("webex", status=403))
    house.type("slack", "Bob Okafor", "two")
    house.relay()
    house.world.faults[:] = [Fault("zoom", status=503)]
    house.type("slack", "Bob Okafor", "three")
    house.relay(rounds=1)
    house.world.faults.clear()
    age(house)
    summing.sum_up()
    [general] = activity.conversations(house.tenant, "GENER")
    legs = {leg.platform: leg for leg in activity.legs(house.tenant, [general])[general.pk]}
    assert {name: (leg.waiting, leg.failed) for name, leg in legs.items()} == {
        "Slack": (0, 0), "Teams": (0, 0), "Webex": (0, 1), "Zoom": (1, 0),
    }  # fmt: skip
    assert legs["Slack"].delay is None
    assert legs["Teams"].delay is not None
    assert LinkPulse.objects.count() == 4


def test_an_author_no_database_takes_costs_no_message(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "LONGEST_ID", 3)
    house.type("slack", "Bob Okafor", "one")
    house.relay()
    assert len(RelayedMessage.objects.get().author) == 3


def test_nothing_of_what_was_said_is_in_the_sums(house: House) -> None:
    house.type("slack", "Bob Okafor", "kingfisher")
    summed(house)
    rows: list[Any] = [*DailySpeaker.objects.order_by("pk").values(), *DailyTraffic.objects.order_by("pk").values()]
    assert rows
    assert "kingfisher" not in str(rows)
