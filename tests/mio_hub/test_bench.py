"""The benchmark itself: its messages are real ones, its counting is right, and a whole run leaves nothing behind.

Never a test of how fast anything is.
"""

import asyncio
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import connectors
from accounts.models import Tenant
from connectors.contract import Credentials, Envelope
from connectors.messages import AccountId, Posted, WorkspaceId
from connectors.richtext import BulletList, CodeBlock, NumberedList, Quote, mentions, plain
from connectors.sandbox import World
from mio_hub import embedded, supervisor
from mio_hub.bench import company, report, traffic
from mio_hub.bench.cells import Cell, Result, all_cells, few_cells
from mio_hub.bench.conversions import conversion_table, heard
from mio_hub.bench.rounds import Counts, Round, counts, latencies, percentile
from mio_hub.bench.stages import NAMES, Stage, example
from mio_hub.bench.target import Target
from mio_hub.bench.traffic import Typist

RUN_WITHIN = 120.0
"""Seconds for a run that takes twenty: the machine may be busy with the rest of the suite."""


NOBODY = Credentials(WorkspaceId(""), AccountId(""), {})


def post(text: str, room: str) -> dict[str, str]:
    return {"roomId": room, "markdown": text}


# --- traffic


def test_slack_accepts_and_reads_what_is_typed(platform_secrets: dict[str, Any]) -> None:
    secrets = platform_secrets["slack"]
    slack = connectors.get("slack")
    received = slack.receive(example(secrets.signing_secret), secrets)
    assert isinstance(received, list)
    [envelope] = received
    assert isinstance(envelope, Envelope)
    assert envelope.content is not None
    assert (envelope.workspace, envelope.reference.conversation) == (traffic.TEAM, traffic.channel(0))
    heard = slack(NOBODY).parse(envelope.content, envelope.reference)
    assert isinstance(heard, Posted)
    assert [mention.account for mention in mentions(heard.message.body)] == [traffic.person(8)]


def test_typed_messages_differ_and_weigh_a_kilobyte() -> None:
    typist = Typist("secret")
    one, other = (json.loads(typist.body(0, 0, number, 1_700_000_000)) for number in range(2))
    assert one["event_id"] != other["event_id"]
    assert one["event"]["ts"] != other["event"]["ts"]
    assert 1_000 < len(json.dumps(one)) < 2_000


def test_what_was_typed_can_be_asked_for_again() -> None:
    typist = Typist("secret")
    event = json.loads(typist.body(0, 0, 0, 1_700_000_000))["event"]
    assert json.loads(typist.recall(event["ts"]) or "")["messages"] == [event]
    assert typist.recall("1.000000") is None


# --- counting


def test_counts_find_what_was_lost_doubled_and_swapped() -> None:
    said: list[tuple[int, int, int]] = []
    heard = Round(7, 2, said.append, endless=False)
    for channel in (0, 0, 0, 1):
        heard.say(channel)
    assert said == [(7, 0, 0), (7, 0, 1), (7, 0, 2), (7, 1, 0)]
    for mark in ((7, 0, 1), (7, 0, 0), (7, 0, 0), (7, 0, 2), (6, 1, 0)):  # the last one belongs to an earlier round
        heard.on_heard(mark)
        heard.on_answered(mark)
    assert counts(heard) == Counts(lost=1, doubled=1, swapped=1)
    assert len(latencies(heard, 0.0, float("inf"))) == 3


def test_a_closed_loop_goes_on_when_the_platform_accepts_and_stops_at_its_limit() -> None:
    said: list[tuple[int, int, int]] = []
    loop = Round(0, 1, said.append, limit=2)
    asyncio.run(loop.start())
    for number in range(2):
        loop.on_answered((0, 0, number))
    assert said == [(0, 0, 0), (0, 0, 1)]
    assert loop.waiting == 0


def test_percentiles() -> None:
    assert percentile([float(n) for n in range(100)], 0.99) == 99.0
    assert percentile([1.0], 0.5) == 1.0
    assert str(percentile([], 0.5)) == "nan"


# --- the platform that is written to


async def conversation(target: Target) -> tuple[dict[str, Any], dict[str, Any], int]:
    await target.start()
    api = f"{target.url}/webexapis.com/v1/messages"
    async with aiohttp.ClientSession() as session:
        posted = await (await session.post(api, json=post("green mark1x2x3x", "room"))).json()
        listed = await (await session.get(api, params={"roomId": "room"})).json()
        unknown = (await session.get(f"{target.url}/elsewhere")).status
    await target.stop()
    return posted, listed, unknown


def test_the_platform_answers_lists_and_tells() -> None:
    told: list[tuple[str, tuple[int, int, int]]] = []
    target = Target(
        heard=lambda mark: told.append(("heard", mark)), answered=lambda mark: told.append(("answered", mark))
    )
    posted, listed, unknown = asyncio.run(conversation(target))
    assert posted["id"]
    assert posted["markdown"] == "green mark1x2x3x"
    assert listed["items"] == [posted]
    assert unknown == 404
    assert target.questions == 2
    assert told == [("heard", (1, 2, 3)), ("answered", (1, 2, 3))]


# --- the database


@pytest.mark.django_db(transaction=True)
def test_it_settles_only_in_an_empty_database() -> None:
    company.settle(channels=1)
    with pytest.raises(company.NotEmpty):
        company.settle(channels=1)
    company.leave()
    assert not Tenant.objects.exists()


# --- the table


def result(name: str, rate: float, lost: int = 0) -> Result:
    now = datetime.now(UTC)
    cpu = {"web": 100.0, "worker": 200.0, "load+target": 50.0}
    return Result(name, rate, 10.0, 20.0, cpu, 0.1, Counts(lost, 0, 0), 0, 0, now, now)


def test_the_table_has_the_ratio_and_the_verdict() -> None:
    line = report.Line(
        Cell(10, 0.15), {"hub": result("hub", 300), "bare": result("bare", 200)}, [Stage(NAMES[0], 1, 2)]
    )
    shown = report.table([line], {"parse": 30.0})
    rows = {row.split()[0]: row.split() for row in shown.splitlines() if row.split()}
    assert rows["ratio"][1:4] == ["1.50", "1.00", "1.00"]
    assert "150 ms, 10 channels" in shown
    assert "hub: lost 0, doubled 0, out of order 0" in shown
    assert report.sound([line])


def test_a_lost_message_is_told() -> None:
    line = report.Line(Cell(1, 0.0), {"hub": result("hub", 1, lost=1)})
    assert not report.sound([line])
    assert "lost 1" in report.table([line], {})


def test_cells() -> None:
    assert len(all_cells((1, 10, 100))) == 7
    assert all_cells((1, 10, 100))[-1] == few_cells((1, 10, 100))[-1]
    assert [cell.label for cell in few_cells((100,))][-1] == "150 ms, 100 channels, 200/s offered"


# --- conversions


def test_the_message_is_formatted_and_weighs_a_kilobyte_on_every_platform(world: World) -> None:
    for slug, fake in world.fakes.items():
        connector = connectors.get(slug)(fake.credentials())
        event = connector.parse(*heard(world, slug, connector))
        assert isinstance(event, Posted)
        body = event.message.body
        assert 900 < len(plain(body)) < 1_200
        assert len(mentions(body)) == 6
        assert {BulletList, NumberedList, Quote, CodeBlock} <= set(map(type, body.blocks))
        assert not body.degraded


def test_conversions_are_shown_for_every_pair() -> None:
    shown = conversion_table({"slack": {"slack": 400.0, "teams": 250.0}, "teams": {"slack": 500.0, "teams": 450.0}})
    rows = {row.split()[0]: row.split()[1:] for row in shown.splitlines()[1:]}
    assert (rows["slack"], rows["teams"]) == (["400", "250"], ["500", "450"])
    assert "conversions per second and core: 2,000 to 4,000" in shown


# --- a whole run


@pytest.mark.slow
def test_a_whole_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)
    with embedded.servers(tmp_path, fresh=True) as servers:
        environment = supervisor.throw_away_environment(servers)
        command = [*supervisor.MANAGE, "bench", "--quick", "--seconds", "0.5", "--channels", "2", "--json"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=RUN_WITHIN, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["sound"] is True
    assert [cell["channels"] for cell in found["cells"]] == [2, 2, 2]
    assert all(found["conversions"][source][to] > 0 for source in connectors.slugs() for to in connectors.slugs())
    for cell in found["cells"]:
        assert set(cell["results"]) == {"hub", "bare"}
        assert cell["results"]["hub"]["counts"] == {"lost": 0, "doubled": 0, "swapped": 0}
        assert {"web", "worker", "PostgreSQL", "Valkey"} <= set(cell["results"]["hub"]["cpu"])
