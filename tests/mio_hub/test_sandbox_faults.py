"""Faults are read strictly: who types one by hand is told what is wrong with it."""

from typing import Any

import pytest

from mio_hub.sandbox import faults

SLUGS = ("slack", "teams")
NOW = 1_000.0


def test_a_fault_is_told_as_it_was_asked_for() -> None:
    asked = {"platform": "slack", "status": 429, "rate": 0.5, "seed": 7, "for_s": 30}
    assert faults.told(faults.read(asked, SLUGS, NOW), NOW) == asked


def test_a_fault_may_be_for_every_platform_and_for_ever() -> None:
    fault = faults.read({"platform": "*", "duplicate": True}, SLUGS, NOW)
    assert (fault.platform, fault.duplicate, fault.rate, fault.until) == ("*", True, 1.0, float("inf"))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"platform": "icq", "status": 500}, "platform"),
        ({"status": 500}, "platform"),
        ({"platform": "slack", "status": 200}, "status"),
        ({"platform": "slack", "status": "500"}, "status"),
        ({"platform": "slack", "delay": -1}, "delay"),
        ({"platform": "slack", "duplicate": "yes"}, "duplicate"),
        ({"platform": "slack", "status": 500, "rate": 1.5}, "rate"),
        ({"platform": "slack", "status": 500, "rate": True}, "rate"),
        ({"platform": "slack", "status": 500, "seed": 0.5}, "seed"),
        ({"platform": "slack", "status": 500, "for_s": -1}, "for_s"),
        ({"platform": "slack", "colour": "red"}, "colour"),
        ({"platform": "slack"}, "status"),
        ({"platform": "slack", "status": 500, "delay": 1}, "status"),
        (["slack"], "body"),
    ],
)
def test_a_wrong_fault_is_refused_with_the_name_of_the_field(wrong: Any, field: str) -> None:
    with pytest.raises(faults.Invalid) as refused:
        faults.read(wrong, SLUGS, NOW)
    assert refused.value.field == field
    assert str(refused.value).startswith(f"{field}: ")
