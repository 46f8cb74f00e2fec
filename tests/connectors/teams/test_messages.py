"""Microsoft Teams: notifications, reading, writing, and Graph as our client meets it in the fake."""

import copy
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.calls import Call, Calls, Response, T
from connectors.contract import Credentials, Request
from connectors.errors import (
    ConnectorError,
    Forged,
    Gone,
    Malformed,
    RateLimited,
    Reconnect,
    Refused,
    Unavailable,
    Unsure,
)
from connectors.http import AnswerLost, Outgoing, drive_blocking
from connectors.messages import (
    AccountId,
    Byline,
    ConversationId,
    Draft,
    Kind,
    MessageId,
    Posted,
    Reference,
    Skipped,
    WorkspaceId,
)
from connectors.richtext import (
    Block,
    Broadcast,
    ChannelMention,
    CodeBlock,
    Document,
    Emoji,
    Heading,
    Inline,
    Mention,
    Paragraph,
    Text,
    document,
    inlines,
    map_inlines,
    mentions,
    plain,
    plain_inline,
)
from connectors.sandbox import Webhook
from connectors.splitting import clusters
from connectors.teams import ids
from connectors.teams.client import judge
from connectors.teams.connector import LONGEST_TEXT, Teams
from connectors.teams.sandbox import FakeTeams
from connectors.teams.values import timestamp
from connectors.teams.webhook import client_state
from tests.connectors.documents import documents, nasty_text

SECRETS = Teams.Secrets(client_state_key="a key of ours")
TENANT = "72f988bf-0000-4f1a-91ab-2d7cd011db47"
CHANNEL = ids.channel_id("3d1f6a20-6a52-4c4e-9c70-1b5c8c1f0a11", "19:abc@thread.tacv2")
RESOURCE = "teams('3d1f6a20-6a52-4c4e-9c70-1b5c8c1f0a11')/channels('19:abc@thread.tacv2')/messages('1767225600000')"
HERE = Reference(Kind.POSTED, CHANNEL, MessageId("1767225600000"))
TEAMS = Teams(Credentials(WorkspaceId(TENANT), AccountId("hub"), {}))
START = datetime(2026, 1, 1, tzinfo=UTC)


def item(**changes: object) -> dict[str, Any]:
    genuine = {
        "subscriptionId": "7f1e6a20-6a52-4c4e-9c70-1b5c8c1f0a11",
        "subscriptionExpirationDateTime": "2026-09-04T10:00:00+00:00",
        "clientState": client_state(SECRETS.client_state_key, TENANT),
        "changeType": "created",
        "tenantId": TENANT,
        "resource": RESOURCE,
        "resourceData": {"id": "1767225600000", "@odata.type": "#Microsoft.Graph.chatMessage", "@odata.id": RESOURCE},
    }
    return genuine | changes


def request(body: object, **query: str) -> Request:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request("POST", "https://hub.example/webhooks/teams/", {}, query, raw)


def receive(*items: object) -> Any:
    return Teams.receive(request({"value": list(items)}), SECRETS)


def html(content: str, **changes: object) -> dict[str, Any]:
    message = {
        "id": "1767225600000",
        "messageType": "message",
        "createdDateTime": "2026-01-01T00:00:00Z",
        "from": {"user": {"id": "ann", "displayName": "Ann Moreau"}},
        "body": {"contentType": "html", "content": content},
    }
    return message | changes


def read(content: dict[str, Any]) -> Document:
    event = TEAMS.parse(content, HERE)
    assert isinstance(event, Posted)
    return event.message.body


def test_a_byline_mentions_the_guest_who_stands_for_the_author() -> None:
    byline = Byline("Gwen <Hart>", "Slack", stand_in=AccountId("0a1b"))
    said = TEAMS.render(Draft(CHANNEL, document([Paragraph((Text("hi"),))]), "n1", byline)).payload
    assert '<strong><at id="0">Gwen &lt;Hart&gt;</at></strong> (Slack)' in said["body"]["content"]
    assert [one["mentioned"]["user"]["id"] for one in said["mentions"]] == ["0a1b"]


def draft(body: Document, byline: Byline | None = None) -> Draft:
    return Draft(CHANNEL, body, "n1", byline)


def said(*content: Inline) -> Document:
    return document([Paragraph(content)])


# Notifications


def test_a_new_message_is_named_without_its_content() -> None:
    (envelope,) = receive(item())
    assert envelope.workspace == TENANT
    assert envelope.reference == Reference(Kind.POSTED, CHANNEL, MessageId("1767225600000"), START)
    assert envelope.content is None


def test_a_reply_is_named_with_its_root() -> None:
    (envelope,) = receive(item(resource=f"{RESOURCE}/replies('1767225660000')"))
    assert envelope.reference.message == "1767225600000/1767225660000"


@pytest.mark.parametrize(
    ("change", "kind"),
    [("created", Kind.POSTED), ("updated", Kind.CHANGED), ("deleted", Kind.DELETED), ("moved", Kind.OTHER)],
)
def test_the_change_decides_the_kind(change: str, kind: Kind) -> None:
    (envelope,) = receive(item(changeType=change))
    assert envelope.reference.kind is kind


def test_a_message_heard_through_two_subscriptions_is_one_event() -> None:
    first, second = receive(item(), item(subscriptionId="other", subscriptionExpirationDateTime="later"))
    assert first.event_id == second.event_id
    assert first.event_id != receive(item(changeType="deleted"))[0].event_id


def test_two_changes_of_a_message_are_two_events_however_soon_they_follow() -> None:
    (first,), (second,) = (receive(item(changeType="updated")) for _ in range(2))
    assert first.event_id != second.event_id
    assert first.reference == second.reference


def test_the_client_state_is_ours_for_each_tenant() -> None:
    assert client_state(SECRETS.client_state_key, TENANT.upper()) == client_state(SECRETS.client_state_key, TENANT)
    assert client_state("another key", TENANT) != client_state(SECRETS.client_state_key, TENANT)


def test_the_client_state_is_an_hmac_with_sha_256() -> None:
    # RFC 4231, test case 2
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert client_state("Jefe", "what do ya want for nothing?") == expected


UNPROVEN = [
    item(clientState="x"),
    item(clientState=None),
    item(clientState="é"),
    item(clientState=""),
    item(tenantId="00000000-0000-0000-0000-000000000000"),
    item(tenantId=7),
    {},
]


@pytest.mark.parametrize("forged", UNPROVEN)
def test_an_unproven_item_is_left_out_of_its_batch(forged: object) -> None:
    assert receive(item(), forged) == receive(item())


@pytest.mark.parametrize("forged", [*UNPROVEN, "text", None])
def test_a_batch_without_a_proven_item_is_forged(forged: object) -> None:
    with pytest.raises(Forged):
        receive(forged)


@pytest.mark.parametrize("body", [b"", b"x", b"[]", b"{}", b'{"value":[]}', b'{"value":7}', b"\xff", b"[" * 100_000])
def test_a_body_without_proof_is_forged(body: bytes) -> None:
    with pytest.raises(Forged):
        Teams.receive(request(body), SECRETS)


def test_without_a_key_nobody_is_believed() -> None:
    forged = item(clientState=client_state("", TENANT))
    with pytest.raises(Forged):
        Teams.receive(request({"value": [forged]}), Teams.Secrets(client_state_key=""))


@pytest.mark.parametrize(
    "changes",
    [
        {"resource": "teams('T"},
        {"resource": ""},
        {"resource": "teams('T')channels('c')/messages('1')"},
        {"resource": "teams('T')/channels('a/b')/messages('1')"},
        {"resource": None},
        {"changeType": ["created"]},
    ],
)
def test_a_proven_item_that_cannot_be_read_is_nothing_we_carry(changes: dict[str, Any]) -> None:
    [envelope] = receive(item(**changes))
    assert envelope.reference.kind is Kind.OTHER


def test_other_resources_are_only_counted() -> None:
    chat = item(resource="chats('19:x@thread.v2')")
    unheard_of = item(lifecycleEvent="somethingNew", changeType=None, resource=None, resourceData=None)
    members = item(resource="teams('T')/members('m')")
    envelopes = receive(chat, unheard_of, members)
    assert {envelope.reference.kind for envelope in envelopes} == {Kind.OTHER}
    assert len({envelope.event_id for envelope in envelopes}) == 3


def test_a_doubled_quote_is_part_of_the_key() -> None:
    assert ids.read_key_form("teams('a''b')/x('c')") == [("teams", "a'b"), ("x", "c")]
    assert ids.in_key_form(ids.channel_id("a'b", "c"), MessageId("1/2")) == (
        "teams('a''b')/channels('c')/messages('1')/replies('2')"
    )


def test_the_handshake_gets_its_token_back_exactly() -> None:
    token = "Validation: Testing + % & <x> é"
    reply = Teams.receive(request(b"", validationToken=token), SECRETS)
    assert not isinstance(reply, list)
    assert (reply.body.decode(), reply.content_type.partition(";")[0]) == (token, "text/plain")


def test_a_handshake_does_not_echo_anything_of_any_size() -> None:
    with pytest.raises(Malformed):
        Teams.receive(request(b"", validationToken="x" * 100_000), SECRETS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def survives(body: bytes) -> None:
    with suppress(Forged, Malformed):
        Teams.receive(request(body), SECRETS)


@given(st.binary(max_size=200))
def test_random_bytes_never_upset_receive(body: bytes) -> None:
    survives(body)


@given(st.data())
def test_mutated_notifications_never_upset_receive(data: st.DataObject) -> None:
    raw = bytearray(json.dumps({"value": [item()]}).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    survives(bytes(raw[: data.draw(st.integers(0, len(raw)))]))


@given(st.sampled_from(list(item())), JSON)
def test_wrong_types_in_proven_items_never_upset_receive(field: str, value: object) -> None:
    survives(json.dumps({"value": [item(**{field: value})]}).encode())


# Reading


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("2026-01-01T00:00:00Z", 0),
        ("2026-01-01T00:00:00.05Z", 50_000),
        ("2026-01-01T00:00:00.1234567Z", 123_456),
        ("2026-01-01T00:00:00.123+00:00", 123_000),
    ],
)
def test_times_may_have_any_fraction(text: str, microseconds: int) -> None:
    assert timestamp(text) == START + timedelta(microseconds=microseconds)


def test_a_broken_time_falls_back_to_the_id() -> None:
    event = TEAMS.parse(html("<p>x</p>", createdDateTime="soon"), HERE)
    assert isinstance(event, Posted)
    assert event.message.sent_at == START


def test_a_person_mentioned_twice_in_a_row_is_two_mentions() -> None:
    entries = [{"id": n, "mentioned": {"user": {"id": "bob", "displayName": "Bob"}}} for n in (0, 1)]
    body = read(html('<p><at id="0">Bob</at> <at id="1">Bob</at></p>', mentions=entries))
    assert body == said(Mention("Bob", AccountId("bob")), Text(" "), Mention("Bob", AccountId("bob")))


def test_a_name_in_three_elements_with_a_break_elsewhere_is_one_mention() -> None:
    entries = [{"id": n, "mentioned": {"user": {"id": "bob", "displayName": "Bob van Dam"}}} for n in range(4)]
    source = '<p><at id="0">Bob</at>&nbsp;<at id="1">van</at>&nbsp;<at id="2">Dam</at>, <at id="3">Bob</at>!</p>'
    bob = AccountId("bob")
    assert read(html(source, mentions=entries)) == said(
        Mention("Bob van Dam", bob), Text(", "), Mention("Bob", bob), Text("!")
    )


def test_a_mention_without_an_entry_is_only_a_name() -> None:
    assert read(html('<p><at id="9">Eve</at></p>')) == said(Mention("Eve"))


def test_a_message_that_shows_nothing_does_not_cross() -> None:
    assert TEAMS.parse(html("<p>&nbsp;</p><abbr title='mio-x'></abbr>"), HERE) == Skipped("empty message")


def test_a_message_without_an_author_does_not_cross() -> None:
    assert TEAMS.parse(html("<p>x</p>", **{"from": None}), HERE) == Skipped("no author")


def paths(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [found for key, one in inner for found in paths(one, (*path, key))]


RICH = html(
    '<p><at id="0">Bob</at>&nbsp;<at id="1">Dam</at> <emoji id="smile" alt=""></emoji></p><attachment id="f"></attachment>',
    subject="News",
    mentions=[{"id": n, "mentioned": {"user": {"id": "bob"}}} for n in (0, 1)],
    attachments=[{"id": "f", "contentType": "messageReference", "content": '{"messageSender": {"user": {}}}'}],
)


@given(st.sampled_from(paths(RICH)), JSON)
def test_wrong_types_in_a_message_never_upset_parse(path: tuple[Any, ...], value: object) -> None:
    broken: Any = copy.deepcopy(RICH)
    place = broken
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    TEAMS.parse(broken, HERE)


@given(st.dictionaries(st.sampled_from(list(RICH)), JSON))
def test_any_object_may_be_parsed(content: dict[str, Any]) -> None:
    TEAMS.parse(content, HERE)


@pytest.mark.parametrize("card", ["[" * 100_000, '{"body":' * 50 + "1" + "}" * 50, "no json", '{"text":"hello"}'])
def test_no_card_upsets_parse(card: str) -> None:
    attachment = {"id": "c", "contentType": "application/vnd.microsoft.card.adaptive", "content": card, "name": None}
    assert plain(read(html("", attachments=[attachment]))).startswith("[card")


# Writing


def stored(payload: dict[str, Any]) -> dict[str, Any]:
    """A message as Graph hands it out after our post."""
    return html("", **payload)


@given(nasty_text)
def test_what_a_person_types_is_read_back_literally(text: str) -> None:
    body = said(Text(text))
    if body.blocks:
        read_back = read(stored(TEAMS.render(draft(body)).payload))
        assert plain(read_back) == plain(body).replace("\xa0", " ")
        assert not mentions(read_back)
        assert all(isinstance(inline, Text) or "\n" in plain_inline(inline) for inline in _inlines(read_back))


def _inlines(body: Document) -> list[Inline]:
    return [inline for block in body.blocks if isinstance(block, Paragraph) for inline in block.content]


def expected(body: Document) -> Document:
    """What Teams can keep of a document: three levels of headings, one call to everybody, other emoji by their names."""

    def kept(inline: Inline) -> Inline:
        match inline:
            case Text(text, style):
                return Text(text.replace("\xa0", " "), style)
            case Mention(name, None):
                return Text(f"@{name}")
            case Broadcast():
                return Broadcast("channel")
            case Emoji() | ChannelMention():
                return Text(plain_inline(inline))
        return inline

    mapped = map_inlines(document(map(_as_teams_keeps, body.blocks)), kept)
    return document(mapped.blocks)


def _as_teams_keeps(block: Block) -> Block:
    match block:
        case Heading(content, level):
            return Heading(content, min(level, 3))
        case CodeBlock(text, language):
            return CodeBlock(text.replace("\xa0", " "), language)
    return block


def named_by_account(inline: Inline) -> Inline:
    return Mention(f"Person {inline.account}", inline.account) if isinstance(inline, Mention) else inline


@given(documents(mention_ids=st.sampled_from(["oid-1", "oid-2"])))
def test_a_document_survives_writing_and_reading(body: Document) -> None:
    body = map_inlines(body, named_by_account)
    assert read(stored(TEAMS.render(draft(body)).payload)) == expected(body)


@given(documents(mention_ids=st.sampled_from(["oid-1", "oid-2"])))
def test_every_at_element_has_exactly_one_entry(body: Document) -> None:
    payload = TEAMS.render(draft(body)).payload
    wanted = [
        inline.account if isinstance(inline, Mention) else ids.team_and_channel(CHANNEL)[1]
        for inline in inlines(body.blocks)
        if isinstance(inline, Broadcast) or (isinstance(inline, Mention) and inline.account)
    ]
    entries = payload.get("mentions", [])
    assert [entry["mentioned"][kind]["id"] for entry in entries for kind in entry["mentioned"]] == wanted
    assert [entry["id"] for entry in entries] == list(range(len(wanted)))
    assert payload["body"]["content"].count("<at ") == len(wanted)


def test_the_size_counts_bytes_and_mentions() -> None:
    body = said(Text("é"), Mention("Bob", AccountId("bob")))
    rendered = TEAMS.render(draft(body))
    assert rendered.size == len(rendered.payload["body"]["content"].encode()) + 400


def test_a_lone_surrogate_is_no_accident() -> None:
    assert TEAMS.render(draft(said(Text("a\ud800b")))).size > 0


def test_a_long_message_is_split_and_nothing_is_lost() -> None:
    family, code = "👩‍👩‍👧‍👦", "\n".join(f"line {n}" for n in range(2000))
    text = " ".join(f"word{n} {family} é&<" for n in range(1500))
    body = document([Paragraph((Text(text),)), CodeBlock(code, "python"), Paragraph((Mention("Bob", AccountId("b")),))])
    parts = TEAMS.parts(draft(body, Byline("Ann Moreau", "Slack")))
    assert len(parts) > 2
    assert all(part.size <= LONGEST_TEXT for part in parts)
    assert [part.nonce for part in parts] == [f"n1.{n:02}" for n in range(len(parts))]
    read_back = [read(stored(part.payload)) for part in parts]
    assert all(plain(one).startswith("Ann Moreau (Slack)") for one in read_back)
    told = "".join(plain(Document(one.blocks[1:])) for one in read_back)
    assert "".join(told.split()) == "".join(plain(body).split())
    assert all(clusters(plain(one)).count(family) == plain(one).count(family) for one in read_back)


# Calls


class Clock:
    def __init__(self) -> None:
        self.now = START.timestamp()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def heard() -> list[Webhook]:
    return []


@pytest.fixture
def fake(clock: Clock, heard: list[Webhook]) -> FakeTeams:
    fake = FakeTeams(SECRETS, "https://hub.example", clock)
    fake.deliver = heard.append
    return fake


@pytest.fixture
def teams(fake: FakeTeams) -> Teams:
    return Teams(fake.credentials())


@pytest.fixture
def general(fake: FakeTeams) -> ConversationId:
    return fake.places()[0].conversation


def sent_to(fake: FakeTeams, outgoing: Outgoing) -> Response:
    url = urlsplit(outgoing.url)
    headers = {name.lower(): value for name, value in outgoing.headers.items()}
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    return fake.handle(Request(outgoing.method, outgoing.url, headers, query, outgoing.body or b""))


def run(fake: FakeTeams, calls: Calls[T], credentials: Credentials | None = None) -> T:
    return drive_blocking(calls, lambda outgoing: sent_to(fake, outgoing), credentials or fake.credentials())


def envelope_of(webhook: Webhook) -> Any:
    received = Teams.receive(Request("POST", webhook.url, webhook.sign(), {}, webhook.body), SECRETS)
    assert isinstance(received, list)
    return received[0]


def to(conversation: ConversationId, *content: Inline, nonce: str = "n1.0") -> Draft:
    return Draft(conversation, said(*content), nonce, Byline("Bob Okafor", "Slack"))


def test_what_a_person_types_is_heard_fetched_and_read(
    fake: FakeTeams, teams: Teams, general: ConversationId, heard: list[Webhook]
) -> None:
    id_ = fake.type_as("Ann Moreau", general, "Hi **@Dev Patel** 🙂 `@Dev Patel`\n\n- a\n- b\n\n```py\nx  = 1\n```")
    envelope = envelope_of(heard[-1])
    assert (envelope.workspace, envelope.reference.message) == (fake.credentials().workspace, id_)
    event = teams.parse(run(fake, teams.fetch(envelope.reference)), envelope.reference)
    assert isinstance(event, Posted)
    assert plain(event.message.body) == "Hi @Dev Patel 🙂 @Dev Patel\n• a\n• b\nx  = 1"
    assert [mention.name for mention in mentions(event.message.body)] == ["Dev Patel"]
    assert (event.message.author_name, event.message.sent_at) == ("Ann Moreau", START)


def test_our_own_post_comes_back_as_a_notification_and_can_be_found(
    fake: FakeTeams, teams: Teams, general: ConversationId, heard: list[Webhook]
) -> None:
    rendered = teams.render(to(general, Text("hello "), Mention("Dev Patel", AccountId(fake.people()[1].id))))
    fake.type_as("Ann Moreau", general, "something else")
    id_ = run(fake, teams.post(rendered))
    assert envelope_of(heard[-1]).reference.message == id_
    assert run(fake, teams.find(rendered, START)) == [id_]
    assert run(fake, teams.find(rendered, START + timedelta(hours=1))) == []
    assert run(fake, teams.find(teams.render(to(general, Text("hello"), nonce="other.0")), START)) == []


def test_a_send_is_found_by_author_and_text_when_teams_drops_the_marker(
    fake: FakeTeams, teams: Teams, general: ConversationId
) -> None:
    rendered = teams.render(to(general, Text("hello  <b>")))
    first, second = run(fake, teams.post(rendered)), run(fake, teams.post(rendered))
    for thread in fake.channels.all[fake.places()[0].id].threads.values():
        content = thread.root["body"]["content"]
        thread.root["body"]["content"] = content.replace('<abbr title="mio-n1.0"></abbr>', "")
    assert run(fake, teams.find(rendered, START)) == [first, second]
    assert run(fake, teams.find(teams.render(to(general, Text("other"))), START)) == []


def test_a_send_is_found_behind_a_page_of_other_messages(
    fake: FakeTeams, teams: Teams, general: ConversationId
) -> None:
    rendered = teams.render(to(general, Text("early")))
    id_ = run(fake, teams.post(rendered))
    for number in range(120):
        fake.type_as("Dev Patel", general, f"later {number}")
    assert run(fake, teams.find(rendered, START)) == [id_]


def test_a_reply_is_fetched_by_its_root(fake: FakeTeams, teams: Teams, general: ConversationId) -> None:
    root = fake.type_as("Ann Moreau", general, "root")
    reply = graph(fake, "POST", f"{ids.message_path(general, root)}/replies", html("<p>reply</p>"), person=1)
    reference = Reference(Kind.POSTED, general, ids.message_id(reply["id"], root))
    event = teams.parse(run(fake, teams.fetch(reference)), reference)
    assert isinstance(event, Posted)
    assert (event.message.thread, plain(event.message.body)) == (root, "reply")


def test_a_deleted_or_unknown_message_is_gone(fake: FakeTeams, teams: Teams, general: ConversationId) -> None:
    id_ = fake.type_as("Ann Moreau", general, "oops")
    fake.channels.all[fake.places()[0].id].threads[id_].root["deletedDateTime"] = "2026-01-01T00:00:01Z"
    for message in (id_, MessageId("1"), MessageId(f"{id_}/1")):
        with pytest.raises(Gone):
            run(fake, teams.fetch(Reference(Kind.POSTED, general, message)))


def test_people_are_known_by_name_and_address(fake: FakeTeams, teams: Teams) -> None:
    ann = fake.people()[0]
    account = run(fake, teams.account(AccountId(ann.id)))
    assert account in fake.directory()
    assert (account.name, account.email) == ("Ann Moreau", "ann@acme.example")
    with pytest.raises(Gone):
        run(fake, teams.account(AccountId("00000000-0000-0000-0000-000000000000")))


def test_a_lost_answer_of_a_post_leaves_us_unsure(teams: Teams, general: ConversationId) -> None:
    def lose(_: Outgoing) -> Response:
        raise AnswerLost

    for transport in (
        lose,
        lambda _: Response(502),
        lambda _: Response(201, b"<html>"),
        lambda _: Response(201, b"[]"),
    ):
        with pytest.raises(Unsure):
            drive_blocking(teams.post(teams.render(to(general, Text("x")))), transport, teams.credentials)


def test_a_service_account_outside_the_channel_is_refused(
    fake: FakeTeams, teams: Teams, general: ConversationId
) -> None:
    fake.roster(general).discard(fake.service)
    with pytest.raises(Refused, match="not a member"):
        run(fake, teams.post(teams.render(to(general, Text("x")))))


@pytest.mark.parametrize("kind", ["app", "service"])
def test_a_dead_token_asks_to_reconnect(fake: FakeTeams, teams: Teams, general: ConversationId, kind: str) -> None:
    fake.entra.grants.pop(fake.credentials().tokens[kind])
    calls: Calls[Any] = (
        teams.post(teams.render(to(general, Text("x")))) if kind == "service" else teams.find(rendered_x(teams), START)
    )
    with pytest.raises(Reconnect):
        run(fake, calls)


def rendered_x(teams: Teams) -> Any:
    return teams.render(to(CHANNEL, Text("x")))


def test_a_missing_permission_is_named(fake: FakeTeams, teams: Teams, general: ConversationId) -> None:
    _without_permissions(fake, "app")
    _without_permissions(fake, "service")
    with pytest.raises(Reconnect, match=r"ChannelMessage\.Read\.All"):
        run(fake, teams.fetch(Reference(Kind.POSTED, general, MessageId("1"))))
    with pytest.raises(Reconnect, match=r"ChannelMessage\.Send"):
        run(fake, teams.post(teams.render(to(general, Text("x")))))


def _without_permissions(fake: FakeTeams, kind: str) -> None:
    token = fake.credentials().tokens[kind]
    grant = fake.entra.grants[token]
    fake.entra.grants[token] = type(grant)(frozenset({"User.Read"}), grant.user)


def test_an_application_cannot_post_on_its_own(fake: FakeTeams, teams: Teams, general: ConversationId) -> None:
    swapped = {"service": fake.credentials().tokens["app"]}
    credentials = Credentials(WorkspaceId("t"), AccountId("a"), swapped)
    with pytest.raises(Reconnect, match="signed-in service account"):
        run(fake, teams.post(teams.render(to(general, Text("x")))), credentials)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, "BadRequest", Refused),
        (400, "Request Entity too large", Refused),
        (401, "Unauthorized", Reconnect),
        (403, "Forbidden", Refused),
        (403, "GuestAccessDenied", Refused),
        (403, "User Login. Teams is disabled for your tenant.", Refused),
        (403, "Authorization_RequestDenied", Reconnect),
        (404, "NotFound", Gone),
        (409, "Conflict", Refused),
        (412, "PreconditionFailed", Unavailable),
        (413, "RequestEntityTooLarge", Refused),
        (429, "TooManyRequests", RateLimited),
        (503, "serviceUnavailable", Unavailable),
    ],
)
def test_graphs_errors_say_what_to_do(status: int, body: str, error: type[ConnectorError]) -> None:
    answer = Response(status, json.dumps({"error": {"code": "X", "message": body}}).encode())
    with pytest.raises(error) as raised:
        judge(Call("GET", "https://graph.microsoft.com/v1.0/me"), answer)
    assert str(raised.value)


# The fake


def graph(fake: FakeTeams, method: str, path: str, body: object = None, person: int = 0, status: int = 0) -> Any:
    """One request to the fake Graph with a person's own token."""
    raw = b"" if body is None else json.dumps(body).encode()
    headers = {"authorization": f"Bearer {fake.people()[person].token}", "content-type": "application/json"}
    url = f"https://graph.microsoft.com/v1.0{path}"
    response = fake.handle(Request(method, url, headers, dict(parse_qsl(urlsplit(url).query)), raw))
    assert response.status == (status or (201 if method == "POST" else 200)), response.body
    return json.loads(response.body)


def test_the_same_sandbox_is_the_same_world_after_a_restart(fake: FakeTeams) -> None:
    again = FakeTeams(SECRETS, "https://hub.example")
    assert (again.people(), again.places(), again.directory()) == (fake.people(), fake.places(), fake.directory())
    assert again.credentials() == fake.credentials()
    assert [place.linked for place in fake.places()] == [True, False]


def test_an_outside_client_lists_posts_and_reads(fake: FakeTeams, heard: list[Webhook]) -> None:
    (team,) = graph(fake, "GET", "/me/joinedTeams")["value"]
    channels = graph(fake, "GET", f"/teams/{team['id']}/channels")["value"]
    assert [channel["id"] for channel in channels] == [place.id for place in fake.places()]
    path = f"/teams/{team['id']}/channels/{channels[0]['id']}/messages"
    posted = graph(fake, "POST", path, {"body": {"content": "1 < 2\nnext"}})
    assert len(heard) == 1
    assert graph(fake, "GET", f"{path}?$top=1")["value"][0]["id"] == posted["id"]
    assert fake.shown(fake.places()[0].conversation)[0].html == "<p>1 &lt; 2<br>next</p>"


def test_message_ids_are_milliseconds_that_only_grow(fake: FakeTeams, general: ConversationId) -> None:
    drawn = [int(fake.type_as("Ann Moreau", general, "x")) for _ in range(3)]
    assert drawn == [drawn[0], drawn[0] + 1, drawn[0] + 2]
    assert drawn[0] == int(START.timestamp() * 1000)


def test_the_stored_html_differs_from_what_was_sent(fake: FakeTeams, general: ConversationId) -> None:
    sent = html('<p onclick="x()" class="a">x<script>y</script></p>')
    answer = graph(fake, "POST", ids.messages_path(general), sent)
    assert answer["body"]["content"] == '<div><p class="a">x</p></div>'


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({}, 400),
        ([], 400),
        ({"body": {"content": " "}}, 400),
        ({"body": {"content": "x", "contentType": "markdown"}}, 400),
        ({"body": {"content": '<at id="0">Ann</at>', "contentType": "html"}}, 400),
        ({"body": {"content": "x"}, "mentions": [{"id": 0, "mentioned": {"user": {"id": "x"}}}]}, 400),
        (
            {
                "body": {"content": '<at id="0">Eve</at>', "contentType": "html"},
                "mentions": [{"id": 0, "mentioned": {"user": {"id": "not in the roster"}}}],
            },
            400,
        ),
        ({"body": {"content": "x" * 30_000}}, 413),
    ],
)
def test_the_fake_refuses_what_teams_refuses(
    fake: FakeTeams, general: ConversationId, heard: list[Webhook], sent: object, status: int
) -> None:
    assert "code" in graph(fake, "POST", ids.messages_path(general), sent, status=status)["error"]
    assert heard == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nonsense", 400), ("DELETE", "/me", 405), ("GET", "/teams/other/channels", 404)],
)
def test_what_is_not_served_is_refused(fake: FakeTeams, method: str, path: str, status: int) -> None:
    graph(fake, method, path, status=status)


def test_a_page_holds_at_most_fifty(fake: FakeTeams, general: ConversationId) -> None:
    graph(fake, "GET", f"{ids.messages_path(general)}?$top=51", status=400)


def test_a_person_outside_the_roster_reads_nothing(fake: FakeTeams, general: ConversationId) -> None:
    fake.roster(general).discard(fake.people()[0].id)
    answer = graph(fake, "GET", ids.messages_path(general), status=403)
    assert "AclCheckFailed" in answer["error"]["message"]


def test_an_added_place_is_open_to_everybody(fake: FakeTeams, teams: Teams) -> None:
    place = fake.add_place("bench-1")
    assert place in fake.places()
    run(fake, teams.post(teams.render(to(place.conversation, Text("x")))))
    (shown,) = fake.shown(place.conversation)
    assert (shown.author, shown.is_app) == ("Mio Hub", True)
    assert shown.html == "<p><strong>Bob Okafor</strong> (Slack)</p><p>x</p>"


@settings(max_examples=50)
@given(nasty_text)
def test_the_sandbox_draws_only_escaped_text(text: str) -> None:
    fake = FakeTeams(SECRETS, "https://hub.example")
    place = fake.places()[0].conversation
    graph(fake, "POST", ids.messages_path(place), {"body": {"content": f"x{text}"}})
    (shown,) = fake.shown(place)
    for tag in ("<script", "<img", "<at", "<a ", "<div", "<span"):
        assert tag not in shown.html
