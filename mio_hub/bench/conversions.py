"""What reading a formatted kilobyte on one platform and writing it for another costs, for every pair of platforms.

The message is typed into each fake's client, so that it has the form which that platform really tells.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import connectors
from connectors.calls import Response
from connectors.contract import Connector, Content, Envelope, FetchesMessages, Request
from connectors.http import Outgoing, drive_blocking
from connectors.messages import Byline, Draft, Posted, Reference
from connectors.richtext import Document, Inline, Mention, map_inlines
from connectors.sandbox import Fake, Webhook, World

LABEL = 38
WIDTH = 10
"""Characters of the columns: the source, a figure."""

ROUNDS = 7
REPEATS = 40
"""Of the rounds the quickest counts: what a busy machine adds is not the conversion's. All of it takes three seconds."""

_HUB = "https://hub.example.com"

FORMATTED = """\
# Release 4.2 is *nearly* there

Morning @{one} and @{two}! The **build** is _green_ again 🎉, please ~~ignore~~ **read** the notes
before noon: [the run](https://ci.example.com/runs/48151623), `make check` and https://docs.example.com/a_b?x=1&y=2.

- **Done**: `parser`, _tests_ and [docs](https://docs.example.com/parser)
- **Open**: 2 < 3 & "quotes" stay, @{one} looks 👀
    - nested: **bold**, _italic_, ~~gone~~ and `code`
    - nested: 日本語 **太字** text, naïve café 👩‍👩‍👧‍👦

1. **First** merge [!481](https://git.example.com/481), then tag `v4.2`
2. _Second_ tell @{two} **and** the others 👍🏽
3. Third [wait](https://example.com/wait) for the ~~old~~ **new** mirror

> **Ann**: is the _migration_ safe with `--fake`?
> Yes: see [the plan](https://docs.example.com/plan) and **ask** @{one} ✅

```python
def release(version: str) -> None:
    if version < "4.2" and not ready & done:
        raise NotYet(f"<{{version}}>")
```

Thanks @{two}, this was _really_ **great** work 🚀, `ship it` on https://ci.example.com ~~soon~~ **today**!
"""
"""A kilobyte as dense as people write: some thirty changes of style, links, mentions, emoji, nested lists, quote, code."""


Figures = Mapping[str, Mapping[str, float]]
"""Microseconds of CPU for parse and render together, by source and target."""


def conversions() -> Figures:
    """Every pair of platforms, in this process alone."""
    world = World({slug: _secrets(connectors.get(slug).Secrets) for slug in connectors.slugs()}, _HUB)
    speakers = {slug: connectors.get(slug)(fake.credentials()) for slug, fake in world.fakes.items()}
    return {slug: _from(world, slug, speakers) for slug in world.fakes}


def conversion_table(figures: Figures) -> str:
    """The figures as a square of sources (down) and targets (across), and what that means for a core."""
    rows = [f"{'conversion of a dense 1 kB, µs of CPU':<{LABEL}}" + "".join(f"{'→ ' + to:>{WIDTH}}" for to in figures)]
    for source, row in figures.items():
        rows.append(f"{source:<{LABEL}}" + "".join(f"{row[to]:{WIDTH},.0f}" for to in figures))
    every = [cost for row in figures.values() for cost in row.values()]
    rows.append(f"conversions per second and core: {1e6 / max(every):,.0f} to {1e6 / min(every):,.0f}")
    return "\n".join(rows)


def _secrets(secrets: Any) -> Any:
    return secrets(*["secret"] * len(fields(secrets)))


def _from(world: World, slug: str, speakers: Mapping[str, Connector]) -> dict[str, float]:
    source = speakers[slug]
    content, reference = heard(world, slug, source)
    body = cast(Posted, source.parse(content, reference)).message.body
    reading = microseconds(lambda: source.parse(content, reference))
    return {to: reading + _writing(world.fakes[to], target, body) for to, target in speakers.items()}


def _writing(fake: Fake, target: Connector, body: Document) -> float:
    place = fake.places()[0].conversation
    draft = Draft(place, _known_to(fake, body), "nonce", Byline("Ann Moreau", "Slack"))
    return microseconds(lambda: target.render(draft))


def _known_to(fake: Fake, body: Document) -> Document:
    """``body`` with everybody who is mentioned in the place of somebody on the target, as translating does."""
    people = {person.id for person in fake.people()}
    accounts = [account for account in fake.directory() if account.id in people]
    by_name: dict[str, Mention] = {}

    def known(inline: Inline) -> Inline:
        if not isinstance(inline, Mention):
            return inline
        account = accounts[len(by_name) % len(accounts)]
        return by_name.setdefault(inline.name, Mention(account.name, account.id, account.email))

    return map_inlines(body, known)


def heard(world: World, slug: str, connector: Connector) -> tuple[Content, Reference]:
    """What ``connector`` is told when somebody types the message on its platform, fetched where only ids are told."""
    fake, webhooks = world.fakes[slug], list[Webhook]()
    fake.deliver = webhooks.append
    one, two = fake.people()[:2]
    fake.type_as(one.id, fake.places()[0].conversation, FORMATTED.format(one=one.name, two=two.name))
    told = webhooks[-1]
    request = Request("POST", told.url, _lower(told.sign()), {}, told.body)
    [envelope] = cast(list[Envelope], connector.receive(request, fake.secrets))
    if envelope.content is not None:
        return envelope.content, envelope.reference
    fetch = cast(FetchesMessages, connector).fetch(envelope.reference)
    return drive_blocking(fetch, _reaching(world), connector.credentials), envelope.reference


def _reaching(world: World) -> Callable[[Outgoing], Response]:
    def send(outgoing: Outgoing) -> Response:
        url = urlsplit(outgoing.url)
        address, query = f"https://{url.netloc}{url.path}", dict(parse_qsl(url.query))
        request = Request(outgoing.method, address, _lower(outgoing.headers), query, outgoing.body or b"")
        return world.answer(url.netloc, request)

    return send


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def microseconds(work: Callable[[], object]) -> float:
    """The CPU time of one ``work``, at its best."""
    return min(_round(work) for _ in range(ROUNDS)) / REPEATS * 1e6


def _round(work: Callable[[], object]) -> float:
    begin = time.process_time()
    for _ in range(REPEATS):
        work()
    return time.process_time() - begin
