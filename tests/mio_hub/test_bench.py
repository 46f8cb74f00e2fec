"""The benchmark itself: its messages are real ones, its counting is right, and a whole run leaves nothing behind.

Never a test of how fast anything is.
"""

import asyncio
import json
import socket
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import connectors
from accounts.models import Tenant
from connectors.contract import Credentials, Envelope, Request
from connectors.messages import AccountId, Edited, Event, Kind, Posted, Reacted, WorkspaceId
from connectors.richtext import BulletList, CodeBlock, NumberedList, Quote, mentions, plain
from connectors.sandbox import World
from mio_hub.bench import company, report, traffic
from mio_hub.bench.carrier import Carried, carry
from mio_hub.bench.cells import Cell, Result, all_cells, few_cells
from mio_hub.bench.conversions import conversion_table, heard
from mio_hub.bench.files import DATA, FileFigures, Platforms, figures, files_table
from mio_hub.bench.layout import PORTS, free_port
from mio_hub.bench.mix import MIX, mixed
from mio_hub.bench.rounds import NOTHING_WRONG, Counts, Round, counts, latencies, percentile
from mio_hub.bench.stages import NAMES, Stage, as_request, example
from mio_hub.bench.target import Connection, Target
from mio_hub.bench.traffic import Typist, marks
from mio_hub.bench.wall import Wall
from tests.mio_hub.benching import bench_run

NOBODY = Credentials(WorkspaceId(""), AccountId(""), {})


def post(text: str, room: str) -> dict[str, str]:
    return {"roomId": room, "markdown": text}


# --- traffic


def read(request: Request, secrets: Any) -> Event:
    """What our own connector makes of a webhook of the benchmark."""
    slack = connectors.get("slack")
    received = slack.receive(request, secrets)
    assert isinstance(received, list)
    [envelope] = received
    assert isinstance(envelope, Envelope)
    assert envelope.content is not None
    assert (envelope.workspace, envelope.reference.conversation) == (traffic.TEAM, traffic.channel(0))
    return slack(NOBODY).parse(envelope.content, envelope.reference)


def test_slack_accepts_and_reads_what_is_typed(platform_secrets: dict[str, Any]) -> None:
    secrets = platform_secrets["slack"]
    heard = read(example(secrets.signing_secret), secrets)
    assert isinstance(heard, Posted)
    assert [mention.account for mention in mentions(heard.message.body)] == [traffic.person(8)]


def test_slack_accepts_and_reads_edits_and_reactions_of_the_newest_message(platform_secrets: dict[str, Any]) -> None:
    secrets = platform_secrets["slack"]
    typist = Typist(secrets.signing_secret)
    kinds = (Kind.POSTED, Kind.EDITED, Kind.REACTED)
    posted, edited, reacted = (
        read(as_request(typist.request(3, 0, number, kind)), secrets) for number, kind in enumerate(kinds)
    )
    assert isinstance(posted, Posted)
    assert isinstance(edited, Edited)
    assert isinstance(reacted, Reacted)
    assert posted.message.id == edited.message.id == reacted.message
    assert marks(plain(edited.message.body).encode()) == [(3, 0, 1)]
    assert edited.message.edited_at
    assert marks(reacted.reaction.emoji.encode()) == [(3, 0, 2)]
    assert reacted.reaction.account.startswith("U0BENCH")
    assert typist.named(posted.message.id) == (3, 0, 0)
    assert marks((typist.recall(posted.message.id) or "").encode())[-1] == (3, 0, 1)


def test_of_ten_events_seven_are_messages_one_is_an_edit_and_two_are_reactions() -> None:
    assert [MIX.count(kind) for kind in (Kind.POSTED, Kind.EDITED, Kind.REACTED)] == [7, 1, 2]
    for channel in range(10):
        newest, told = -1, [mixed(channel, number) for number in range(100)]
        for number, (kind, about) in enumerate(told):
            newest = number if kind is Kind.POSTED else newest
            assert about == newest
        assert [kind for kind, _ in told[10:]].count(Kind.REACTED) == 18


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
    assert counts(heard, wall_of(heard)) == Counts(lost=1, doubled=1, swapped=1, stale=0)
    assert len(latencies(heard, 0.0, float("inf"))) == 3


def wall_of(heard: Round) -> Wall:
    """With all new messages that were accepted."""
    wall = Wall()
    for channel, number in heard.answered:
        mark = (heard.number, channel, number)
        wall.post(f"id {number}", [mark], "")
    return wall


POST, EDIT, REACT, REACT_AGAIN = range(4)


def conversation_of_four() -> tuple[Round, Wall]:
    """A message, its edit and two reactions, all told and accepted; on the wall stands only the message so far."""
    plan = {POST: Kind.POSTED, EDIT: Kind.EDITED, REACT: Kind.REACTED, REACT_AGAIN: Kind.REACTED}
    heard = Round(7, 1, lambda mark: None, endless=False, plan=lambda channel, number: (plan[number], POST))
    for number in plan:
        heard.say(0)
        heard.on_heard((7, 0, number))
        heard.on_answered((7, 0, number))
    wall = Wall()
    wall.post("message", [(7, 0, POST)], "")
    return heard, wall


def stale(heard: Round, wall: Wall) -> int:
    return counts(heard, wall).stale


def test_nothing_is_wrong_with_the_newest_text_and_every_reaction_once() -> None:
    heard, wall = conversation_of_four()
    assert wall.edit("message", [(7, 0, EDIT)])
    assert wall.post("line", [(7, 0, REACT)], "message")
    assert wall.edit("line", [(7, 0, REACT), (7, 0, REACT_AGAIN)])
    assert counts(heard, wall) == NOTHING_WRONG
    assert [len(latencies(heard, 0.0, float("inf"), kind)) for kind in (Kind.POSTED, Kind.EDITED, Kind.REACTED)] == [
        1,
        1,
        2,
    ]


def test_counts_find_a_stale_text() -> None:
    heard, wall = conversation_of_four()
    wall.post("line", [(7, 0, REACT), (7, 0, REACT_AGAIN)], "message")
    assert stale(heard, wall) == 1
    wall.edit("message", [(7, 0, EDIT)])
    assert stale(heard, wall) == 0
    wall.edit("message", [(7, 0, POST)])
    assert stale(heard, wall) == 1


def test_counts_find_a_reaction_that_is_gone_and_one_that_stands_twice() -> None:
    heard, wall = conversation_of_four()
    wall.edit("message", [(7, 0, EDIT)])
    wall.post("line", [(7, 0, REACT)], "message")
    assert stale(heard, wall) == 1
    wall.post("another line", [(7, 0, REACT_AGAIN)], "message")
    assert stale(heard, wall) == 0
    wall.edit("line", [(7, 0, REACT), (7, 0, REACT_AGAIN)])
    assert stale(heard, wall) == 1


def test_counts_find_a_lost_edit_and_a_doubled_reaction() -> None:
    heard, wall = conversation_of_four()
    wall.post("line", [(7, 0, REACT), (7, 0, REACT_AGAIN)], "message")
    del heard.answered[0, EDIT]
    heard.arrivals[0].remove(EDIT)
    heard.on_heard((7, 0, REACT_AGAIN))
    assert counts(heard, wall) == Counts(lost=1, doubled=1, swapped=0, stale=0)


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


async def changes(target: Target) -> list[int]:
    await target.start()
    api = f"{target.url}/webexapis.com/v1/messages"
    async with aiohttp.ClientSession() as session:
        id_ = (await (await session.post(api, json=post("mark1x2x0x", "room"))).json())["id"]
        answers = [
            await session.put(f"{api}/{id_}", json=post("mark1x2x1x", "room")),
            await session.post(api, json=post(":mark1x2x2x: Ann", "room") | {"parentId": id_}),
            await session.put(f"{api}/unknown", json=post("mark1x2x3x", "room")),
            await session.post(api, json=post(":mark1x2x4x: Ann", "room") | {"parentId": "unknown"}),
        ]
        line = (await answers[1].json())["id"]
        answers.append(await session.put(f"{api}/{line}", json=post(":mark1x2x2x: Ann · :mark1x2x5x: Bob", "room")))
    await target.stop()
    return [answer.status for answer in answers]


def test_the_platform_takes_edits_and_lines_of_reactions_of_what_is_there() -> None:
    told: list[tuple[int, int, int]] = []
    target = Target(answered=told.append)
    assert asyncio.run(changes(target)) == [200, 200, 404, 404, 200]
    assert [number for _, _, number in told] == [0, 1, 2, 5]
    assert target.wall.shows((1, 2, 0)) == ((1, 2, 1), [(1, 2, 2), (1, 2, 5)])
    assert target.questions == 2


# --- files


async def carried() -> tuple[Carried, Platforms]:
    platforms = Platforms()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(platforms.answer), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    found = await carry(f"http://{host}:{port}", 0.2)
    server.close()
    return found, platforms


def test_files_are_carried_whole_and_once() -> None:
    found, platforms = asyncio.run(carried())
    assert platforms.taken
    shown = figures(found, platforms)
    assert shown.is_sound
    assert shown.rate > 0
    assert "lost 0, doubled 0, damaged 0" in files_table(shown)


def test_a_file_that_was_lost_doubled_or_damaged_is_told() -> None:
    platforms = Platforms()
    head = b'POST /webexapis.com/v1/messages HTTP/1.1\r\n\r\nfilename="%b"'
    for name, data in ((b"one", DATA), (b"one", DATA), (b"two", DATA[:-1])):
        platforms.answer(head % name + data, lambda answer: None)
    shown = figures(Carried(sent=3, seconds=1.0, took=[0.1]), platforms)
    assert (shown.lost, shown.doubled, shown.damaged) == (1, 1, 1)
    assert not shown.is_sound


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
    kinds = {"posted": (10.0, 20.0), "edited": (30.0, 40.0)}
    cpu = {"web": 100.0, "worker": 200.0, "load+target": 50.0}
    return Result(name, rate, 10.0, 20.0, cpu, 0.1, Counts(lost, 0, 0, 0), 0, 0, now, now, kinds)


def test_the_table_has_the_ratio_and_the_verdict() -> None:
    line = report.Line(
        Cell(10, 0.15), {"hub": result("hub", 300), "bare": result("bare", 200)}, [Stage(NAMES[0], 1, 2)]
    )
    shown = report.table([line], {"parse": 30.0})
    rows = {row.split()[0]: row.split() for row in shown.splitlines() if row.split()}
    assert rows["ratio"][1:4] == ["1.50", "1.00", "1.00"]
    assert "150 ms, 10 channels" in shown
    assert "hub: lost 0, doubled 0, out of order 0, stale 0" in shown
    assert "latency by what happened" not in shown
    assert report.sound([line])


def test_a_lost_message_is_told() -> None:
    line = report.Line(Cell(1, 0.0), {"hub": result("hub", 1, lost=1)})
    assert not report.sound([line])
    assert "lost 1" in report.table([line], {})


def test_the_mix_is_shown_by_what_happened() -> None:
    line = report.Line(Cell(10, 0.0, is_mixed=True), {"hub": result("hub", 300), "bare": result("bare", 200)})
    shown = report.table([line], {})
    row = next(row for row in shown.splitlines() if "30.0 / 40.0" in row)
    assert row.startswith("mix 70/10/20, 0 ms, 10 channels")
    assert row.endswith("–")  # no reaction in that window


def test_a_stale_message_and_a_lost_file_are_told() -> None:
    line = report.Line(Cell(1, 0.0), {"hub": replace(result("hub", 1), counts=Counts(0, 0, 0, 1))})
    assert not report.sound([line])
    lost = FileFigures(1, 1, 1, 1, 1, lost=1, doubled=0, damaged=0)
    assert json.loads(report.as_json("", [], {}, {}, lost))["sound"] is False


def test_cells() -> None:
    every = all_cells((1, 10, 100))
    assert [cell.is_mixed for cell in every] == [False] * 7 + [True] * 4
    assert [(cell.delay, cell.channels) for cell in every[7:]] == [(0.0, 10), (0.0, 100), (0.15, 10), (0.15, 100)]
    assert set(few_cells((1, 10, 100))) < set(every)
    assert [cell.label for cell in few_cells((100,))][-2:] == [
        "150 ms, 100 channels, 200/s offered",
        "mix 70/10/20, 0 ms, 100 channels",
    ]


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


# --- the processes


def test_no_connection_goes_out_from_a_port_that_a_server_will_be_told_of() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as outgoing:
        assert outgoing.getsockname()[1] not in PORTS


def test_a_port_that_is_taken_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = free_port()
    other = taken + 1 if taken + 1 in PORTS else taken - 1
    chosen = iter([taken, other])
    monkeypatch.setattr("mio_hub.bench.layout.secrets.choice", lambda _: next(chosen))
    with socket.create_server(("127.0.0.1", taken)):
        assert free_port() == other


# --- a whole run


@pytest.mark.slow
def test_a_whole_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = bench_run(tmp_path, monkeypatch, "--quick", "--seconds", "0.5", "--channels", "2", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["sound"] is True
    assert [cell["channels"] for cell in found["cells"]] == [2, 2, 2, 2]
    assert {"posted"} <= set(found["cells"][-1]["results"]["hub"]["kinds"]) <= {"posted", "edited", "reacted"}
    assert found["cells"][-1]["results"]["bare"]["counts"]["stale"] == 0
    assert found["files"]["rate"] > 0
    assert all(found["conversions"][source][to] > 0 for source in connectors.slugs() for to in connectors.slugs())
    for cell in found["cells"]:
        assert set(cell["results"]) == {"hub", "bare"}
        assert cell["results"]["hub"]["counts"] == {"lost": 0, "doubled": 0, "swapped": 0, "stale": 0}
        assert {"web", "worker", "PostgreSQL", "Valkey"} <= set(cell["results"]["hub"]["cpu"])
