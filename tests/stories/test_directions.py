"""What a person types on one platform is read on every other: formatted, attributed, in order, once."""

from itertools import permutations

import pytest

from connectors.sandbox import CAST, Shown, cast_of
from relay.models import Delivery, InboundEvent
from tests.house import House

LABELS = {"slack": "Slack", "teams": "Teams", "webex": "Webex", "zoom": "Zoom"}
SPEAKERS = {"slack": "Bob Okafor", "teams": "Dev Patel", "webex": "Farid Haddad", "zoom": "Hugo Brandt"}
from_each = pytest.mark.parametrize("source", LABELS)
"""From one platform to the other three at once: four tests, twelve directions."""

TYPED = """Plain with **bold words** and `code here`, see [the plan](https://example.com/plan)

> quoted wisdom

1. first
2. second

```
def hello():
    return 1
```"""


def on_both(source: str, target: str) -> str | None:
    """Somebody of the company who uses both platforms."""
    return next((actor.name for actor in CAST if {source, target} <= set(actor.platforms)), None)


def relayed(house: House, source: str, text: str, needle: str) -> dict[str, Shown]:
    """By platform other than the source, the one copy of what was typed there."""
    house.type(source, SPEAKERS[source], text)
    house.relay()
    found = {slug: [one for one in house.messages(slug) if needle in one.html] for slug in LABELS if slug != source}
    assert {slug: len(copies) for slug, copies in found.items()} == dict.fromkeys(found, 1)
    return {slug: copy for slug, [copy] in found.items()}


@from_each
def test_a_formatted_message_crosses_once_and_says_whose_it_is(house: House, source: str) -> None:
    for copy in relayed(house, source, TYPED, "bold words").values():
        assert SPEAKERS[source] in copy.author + copy.html
        assert LABELS[source] in copy.author + copy.html
        assert "<strong>bold words</strong>" in copy.html
        assert "<code>code here</code>" in copy.html
        assert 'href="https://example.com/plan"' in copy.html
        for text in ("the plan", "quoted wisdom", "first", "second", "def hello():", "return 1"):
            assert text in copy.html
    assert not InboundEvent.objects.filter(state=InboundEvent.State.WAITING).exists()
    assert not Delivery.objects.exclude(state=Delivery.State.DONE).exists()


@pytest.mark.parametrize(("source", "target"), list(permutations(LABELS, 2)))
def test_a_mention_becomes_that_persons_account_or_stays_a_name(house: House, source: str, target: str) -> None:
    mentioned = on_both(source, target)
    named = mentioned or cast_of(source)[0].name
    copy = relayed(house, source, f"over to you @{named}, please", "over to you")[target]
    assert named in copy.html
    assert ("mention" in copy.html) == (mentioned is not None)


@from_each
def test_messages_keep_their_order(house: House, source: str) -> None:
    for number in range(5):
        house.type(source, SPEAKERS[source], f"step {number}.")
    house.relay()
    for target in LABELS:
        steps = [message.html for message in house.messages(target) if "step" in message.html]
        assert [f"step {number}." in html for number, html in enumerate(steps)] == [True] * 5


@from_each
def test_what_was_typed_by_hand_never_becomes_markup_there(house: House, source: str) -> None:
    hostile = 'beware <!here> <@all> <b>x</b> <at id="0">Ann</at> &amp; <script>alert(1)</script>'
    for copy in relayed(house, source, hostile, "beware").values():
        assert "<script" not in copy.html
        assert "mention" not in copy.html
        for literal in ("&lt;!here&gt;", "&lt;@all&gt;", "&lt;b&gt;x&lt;/b&gt;", "&lt;script&gt;"):
            assert literal in copy.html


def test_a_channel_that_is_not_linked_stays_to_itself(house: House) -> None:
    house.type("slack", "Bob Okafor", "just us", channel="coffee")
    house.relay()
    for slug in ("teams", "webex", "zoom"):
        assert house.shown(slug, "coffee") == []
        assert not any("just us" in html for html in house.shown(slug))
