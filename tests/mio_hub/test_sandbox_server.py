"""The sandbox over HTTP: the platforms at their hosts, and its own small interface."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from typing import Any

import pytest
import requests

import connectors
from connectors.calls import Response
from connectors.contract import Request
from connectors.sandbox import CHANNELS, World, cast_of
from mio_hub.sandbox.threads import served

PATIENCE = 5.0
"""Seconds for something that takes milliseconds."""

every_platform = pytest.mark.parametrize("slug", connectors.slugs())


def say(base: str, slug: str, text: str, place: str = "general") -> requests.Response:
    words = {"platform": slug, "person": cast_of(slug)[0].name, "conversation": place, "text": text}
    return requests.post(f"{base}/say", json=words, timeout=PATIENCE)


def fault(base: str, **asked: Any) -> requests.Response:
    return requests.post(f"{base}/faults", json=asked, timeout=PATIENCE)


def texts(world: World, slug: str) -> list[str]:
    fake = world.fakes[slug]
    return [message.html for message in fake.shown(fake.places()[0].conversation)]


@every_platform
def test_the_index_tells_an_outside_client_all_it_needs(sandbox_url: str, slug: str) -> None:
    told = requests.get(sandbox_url, timeout=PATIENCE).json()["platforms"][slug]
    assert told["base_url"].startswith(f"{sandbox_url}/")
    assert [person["name"] for person in told["people"]] == [actor.name for actor in cast_of(slug)]
    assert all(person["id"] and person["token"] for person in told["people"])
    assert [(place["name"], place["linked"]) for place in told["conversations"]] == [
        (c.name, c.linked) for c in CHANNELS
    ]
    assert all(("team_id" in place) == (slug == "teams") for place in told["conversations"])


def test_a_path_that_begins_with_no_platforms_host_is_explained(sandbox_url: str) -> None:
    answer = requests.get(f"{sandbox_url}/example.com/api", timeout=PATIENCE)
    assert answer.status_code == 404
    assert "slack.com" in answer.json()["error"]


def test_a_request_reaches_the_platform_as_it_was_sent(world: World, sandbox_url: str) -> None:
    seen: list[Request] = []
    slack = world.fakes["slack"]
    slack.handle = lambda request: seen.append(request) or Response(200)  # type: ignore[method-assign,func-returns-value]
    address = f"{sandbox_url}/slack.com/api/19%3Aa%40b/x?%24top=5&empty="
    requests.post(address, data=b"\x00body", headers={"X-Mixed": "Yes"}, timeout=PATIENCE)
    [request] = seen
    assert request.url == "https://slack.com/api/19%3Aa%40b/x"
    assert request.query == {"$top": "5", "empty": ""}
    assert (request.method, request.body) == ("POST", b"\x00body")
    assert (request.headers["x-mixed"], request.headers["host"]) == ("Yes", "slack.com")


def test_links_to_further_pages_lead_back_to_the_sandbox(world: World, sandbox_url: str) -> None:
    body = b'{"@odata.nextLink":"https://graph.microsoft.com/v1.0/me?x=1","webUrl":"https://teams.example/1"}'
    headers = {"link": '<https://webexapis.com/v1/rooms?cursor=2>; rel="next"', "content-type": "application/json"}
    world.fakes["teams"].handle = lambda request: Response(200, body, headers)  # type: ignore[method-assign]
    answer = requests.get(f"{sandbox_url}/graph.microsoft.com/v1.0/me", timeout=PATIENCE)
    assert answer.links["next"]["url"] == f"{sandbox_url}/webexapis.com/v1/rooms?cursor=2"
    assert answer.json()["@odata.nextLink"] == f"{sandbox_url}/graph.microsoft.com/v1.0/me?x=1"
    assert answer.json()["webUrl"] == "https://teams.example/1"


@every_platform
def test_what_is_said_is_shown(world: World, sandbox_url: str, slug: str) -> None:
    answer = say(sandbox_url, slug, "good morning")
    assert answer.status_code == 201
    panes = {pane["slug"]: pane for pane in requests.get(f"{sandbox_url}/panes", timeout=PATIENCE).json()["platforms"]}
    general, coffee = panes[slug]["places"]
    [message] = general["messages"]
    assert message["id"] == answer.json()["id"]
    assert message["author"] == cast_of(slug)[0].name
    assert "good morning" in message["html"]
    assert not coffee["messages"]


@pytest.mark.parametrize("field", ["platform", "person", "conversation", "text"])
def test_saying_something_impossible_names_the_field(sandbox_url: str, field: str) -> None:
    words = {"platform": "slack", "person": "Ann Moreau", "conversation": "general", "text": "hello"}
    answer = requests.post(f"{sandbox_url}/say", json=words | {field: " "}, timeout=PATIENCE)
    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_the_log_tells_who_was_asked_what(sandbox_url: str) -> None:
    before = time.time()
    for host in ("slack.com/api/auth.test", "webexapis.com/v1/people/me"):
        requests.get(f"{sandbox_url}/{host}", timeout=PATIENCE)
    log = f"{sandbox_url}/log"
    [entry] = requests.get(log, params={"platform": "slack"}, timeout=PATIENCE).json()["requests"]
    assert (entry["method"], entry["url"]) == ("GET", "https://slack.com/api/auth.test")
    assert len(requests.get(log, params={"since": before}, timeout=PATIENCE).json()["requests"]) == 2
    assert not requests.get(log, params={"since": time.time()}, timeout=PATIENCE).json()["requests"]
    assert requests.get(log, params={"since": "yesterday"}, timeout=PATIENCE).status_code == 400


def test_faults_are_set_listed_and_cleared(sandbox_url: str) -> None:
    assert fault(sandbox_url, platform="slack", status=503, rate=0.5, seed=1).status_code == 201
    [told] = requests.get(f"{sandbox_url}/faults", timeout=PATIENCE).json()["faults"]
    assert told == {"platform": "slack", "status": 503, "rate": 0.5, "seed": 1}
    assert requests.delete(f"{sandbox_url}/faults", timeout=PATIENCE).status_code == 204
    assert requests.get(f"{sandbox_url}/faults", timeout=PATIENCE).json() == {"faults": []}


def test_a_fault_that_makes_no_sense_is_refused(sandbox_url: str) -> None:
    answer = fault(sandbox_url, platform="slack", status="often")
    assert (answer.status_code, answer.json()["field"]) == (400, "status")
    assert requests.post(f"{sandbox_url}/faults", data="{", timeout=PATIENCE).status_code == 400


def test_a_status_fault_answers_instead_of_the_platform(sandbox_url: str) -> None:
    fault(sandbox_url, platform="slack", status=429)
    answer = requests.get(f"{sandbox_url}/slack.com/api/auth.test", timeout=PATIENCE)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert requests.get(f"{sandbox_url}/webexapis.com/v1/people/me", timeout=PATIENCE).status_code != 429


def test_a_delayed_answer_comes_late(sandbox_url: str) -> None:
    fault(sandbox_url, platform="slack", delay=0.3)
    begun = time.monotonic()
    requests.get(f"{sandbox_url}/slack.com/api/auth.test", timeout=PATIENCE)
    assert time.monotonic() - begun >= 0.3


def test_a_lost_answer_is_done_all_the_same(world: World, sandbox_url: str) -> None:
    told = requests.get(sandbox_url, timeout=PATIENCE).json()["platforms"]["slack"]
    headers = {"Authorization": f"Bearer {world.fakes['slack'].credentials().tokens['bot']}"}
    message = {"channel": told["conversations"][0]["id"], "text": "did it arrive?"}
    fault(sandbox_url, platform="slack", timeout_after_success=True)
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{told['base_url']}/api/chat.postMessage", json=message, headers=headers, timeout=PATIENCE)
    [shown] = texts(world, "slack")
    assert "did it arrive?" in shown


# --- News


@pytest.fixture
def news(sandbox_url: str) -> Iterator[Iterator[tuple[str, Any]]]:
    """The events of the stream, by name, as they come."""
    with requests.get(f"{sandbox_url}/stream", stream=True, timeout=PATIENCE) as answer:
        yield events(answer)


def events(answer: requests.Response) -> Iterator[tuple[str, Any]]:
    name = ""
    for line in answer.iter_lines(chunk_size=1):
        key, _, value = line.decode().partition(": ")
        if key == "event":
            name = value
        elif key == "data":
            yield name, json.loads(value)


def test_the_stream_begins_with_everything_and_goes_on_with_news(sandbox_url: str, news: Iterator[Any]) -> None:
    name, everything = next(news)
    assert (name, [pane["slug"] for pane in everything["platforms"]]) == ("panes", list(connectors.slugs()))
    for slug in ("slack", "zoom"):
        say(sandbox_url, slug, "knock knock")
        name, told = next(news)
        assert (name, told["platform"]) == ("message", slug)
        assert "knock knock" in told["message"]["html"]


def test_a_message_that_a_client_posts_is_news(world: World, sandbox_url: str, news: Iterator[Any]) -> None:
    next(news)
    headers = {"Authorization": f"Bearer {world.fakes['slack'].credentials().tokens['bot']}"}
    message = {"channel": world.fakes["slack"].places()[0].id, "text": "relayed"}
    requests.post(f"{sandbox_url}/slack.com/api/chat.postMessage", json=message, headers=headers, timeout=PATIENCE)
    _, told = next(news)
    assert (told["platform"], told["message"]["is_app"]) == ("slack", True)


def test_the_stream_ends_when_the_server_stops(world: World) -> None:
    with served(world) as base:
        answer = requests.get(f"{base}/stream", stream=True, timeout=PATIENCE)
        stream = events(answer)
        next(stream)
    assert list(stream) == []


# --- Webhooks

Heard = tuple[str, dict[str, str], bytes]


@pytest.fixture
def hub() -> Iterator[tuple[str, SimpleQueue[Heard]]]:
    """The address of something that answers every webhook with 200, and what it has heard."""
    heard: SimpleQueue[Heard] = SimpleQueue()

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            heard.put((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quietly."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}", heard
        server.shutdown()


@every_platform
def test_a_webhook_goes_to_the_hub_and_proves_its_sender(
    platform_secrets: dict[str, Any], hub: tuple[str, SimpleQueue[Heard]], slug: str
) -> None:
    address, heard = hub
    world = World(platform_secrets, address)
    with served(world) as base:
        said = say(base, slug, "hello").json()["id"]
        path, headers, body = heard.get(timeout=PATIENCE)
    assert path == f"/webhooks/{slug}/"
    envelopes = connectors.get(slug).receive(Request("POST", address + path, headers, {}, body), platform_secrets[slug])
    assert isinstance(envelopes, list)
    assert [envelope.reference.message for envelope in envelopes] == [said]
    assert envelopes[0].reference.conversation == world.fakes[slug].places()[0].conversation
