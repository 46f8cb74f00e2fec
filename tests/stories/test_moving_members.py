"""Whom we bring into a channel or take out of it is not told in the others as somebody's coming and going."""

from typing import Any

import pytest

from accounts.models import PlatformAccount
from relay.models import MembershipChange
from tests.house import House
from tests.stories.test_conversation import LABELS
from tests.stories.test_notices import somebody_else

State = MembershipChange.State


def moving(house: House, slug: str, name: str, state: str, *, is_addition: bool) -> None:
    """Have it on record that we move somebody."""
    account = PlatformAccount.objects.get(installation=house.installations[slug], name=name)
    MembershipChange.objects.update_or_create(
        {"is_addition": is_addition, "state": state}, link=house.links[f"{slug}/general"], account=account
    )


def told(house: House, slug: str, name: str) -> list[str]:
    """Lines about somebody on the other platforms."""
    return [html for other in LABELS if other != slug for html in house.shown(other) if name in html]


@pytest.mark.parametrize("slug", LABELS)
def test_whom_we_moved_is_not_told_elsewhere(house: House, slug: str) -> None:
    fake: Any = house.world.fakes[slug]
    who, name = somebody_else(house, slug)
    moving(house, slug, name, State.UNDER_WAY, is_addition=False)
    fake.leave_as(who, house.place(slug))
    house.relay()
    moving(house, slug, name, State.DONE, is_addition=True)
    fake.join_as(who, house.place(slug))
    house.relay()
    assert told(house, slug, name) == []


def test_who_leaves_after_we_brought_them_in_is_told(house: House) -> None:
    fake: Any = house.world.fakes["slack"]
    who, name = somebody_else(house, "slack")
    moving(house, "slack", name, State.DONE, is_addition=True)
    fake.leave_as(who, house.place("slack"))
    house.relay()
    assert len(told(house, "slack", f"{name} left on Slack")) == 3
