"""What the Hub asks of Slack, against the fake workspace; and what that workspace tells the Hub."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.calls import Response
from connectors.contract import Envelope, Rendered, Request
from connectors.errors import ConnectorError, Gone, RateLimited, Reconnect, Refused, Unavailable, Unsure
from connectors.http import BlockingTransport, Outgoing, drive_blocking
from connectors.messages import Account, AccountId, Byline, ConversationId, Draft, Kind, MessageId, Posted, Reference
from connectors.richtext import Broadcast, Document, Mention, Paragraph, Text, inlines, mentions, plain
from connectors.sandbox import Webhook
from connectors.slack.connector import Slack
from connectors.slack.sandbox import FakeSlack

SECRETS = Slack.Secrets("a-signing-secret")
HELLO = Document((Paragraph((Text("hello <!here>"),)),))
SINCE = datetime.now(UTC) - timedelta(minutes=5)


class Company:
    """The fake workspace with the Hub's connector next to it."""

    def __init__(self) -> None:
        self.fake = FakeSlack(SECRETS, "https://hub.example.com")
        self.webhooks: list[Webhook] = []
        self.fake.deliver = self.webhooks.append
        self.slack = Slack(self.fake.credentials())
        self.general = self.fake.places()[0].conversation
        self.ann, self.bob, _ = self.fake.people()

    def transport(self, outgoing: Outgoing) -> Response:
        headers = {name.lower(): value for name, value in outgoing.headers.items()}
        return self.fake.handle(Request(outgoing.method, outgoing.url, headers, {}, outgoing.body or b""))

    def run(self, calls: Any, transport: BlockingTransport | None = None) -> Any:
        return drive_blocking(calls, transport or self.transport, self.slack.credentials)

    def rendered(self, body: Document = HELLO, nonce: str = "n1", byline: Byline | None = None) -> Rendered:
        return self.slack.render(Draft(self.general, body, nonce, byline))

    def as_person(self, token: str, method: str, **arguments: Any) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json; charset=utf-8"}
        url = f"https://slack.com/api/{method}"
        answer = self.fake.handle(Request("POST", url, headers, {}, json.dumps(arguments).encode()))
        found: dict[str, Any] = json.loads(answer.body)
        return found

    def told(self) -> list[Envelope]:
        return [envelope for webhook in self.webhooks for envelope in opened(webhook)]


def opened(webhook: Webhook) -> list[Envelope]:
    received = Slack.receive(Request("POST", webhook.url, dict(webhook.sign()), {}, webhook.body), SECRETS)
    assert isinstance(received, list)
    return received


@pytest.fixture
def company() -> Company:
    return Company()


# --- Saying


def test_a_post_is_heard_back_under_our_own_id(company: Company) -> None:
    ts = company.run(company.slack.post(company.rendered(byline=Byline("Dev Patel", "Teams", "https://x.example/d"))))
    [echo] = company.told()
    assert echo.reference == Reference(Kind.POSTED, company.general, ts, echo.reference.occurred_at)
    event = company.slack.parse(echo.content or {}, echo.reference)
    assert isinstance(event, Posted)
    assert event.message.author in company.slack.own_accounts
    assert (event.message.author_name, event.message.body) == ("Dev Patel (Teams)", HELLO)


def test_without_the_scope_a_post_goes_out_under_the_app_s_own_name(company: Company) -> None:
    company.fake.workspace.callers[company.fake.credentials().tokens["bot"]].scopes.discard("chat:write.customize")
    company.run(company.slack.post(company.rendered(byline=Byline("Dev Patel", "Teams"))))
    [echo] = company.told()
    event = company.slack.parse(echo.content or {}, echo.reference)
    assert isinstance(event, Posted)
    assert event.message.author in company.slack.own_accounts
    assert event.message.author_name == ""


def test_a_lost_post_is_found_by_its_nonce(company: Company) -> None:
    first = company.run(company.slack.post(company.rendered(nonce="n1")))
    company.run(company.slack.post(company.rendered(nonce="n2")))
    assert company.run(company.slack.find(company.rendered(nonce="n1"), SINCE)) == [first]
    assert company.run(company.slack.find(company.rendered(nonce="n3"), SINCE)) == []


def test_a_lost_post_is_found_behind_many_others(company: Company) -> None:
    ts = company.run(company.slack.post(company.rendered()))
    for number in range(450):
        company.fake.type_as(company.ann.id, company.general, f"message {number}")
    assert company.run(company.slack.find(company.rendered(), SINCE)) == [ts]


def test_the_search_for_a_lost_post_ends(company: Company) -> None:
    for number in range(1_100):
        company.fake.type_as(company.ann.id, company.general, f"message {number}")
    calls: list[str] = []

    def counted(outgoing: Outgoing) -> Response:
        calls.append(outgoing.url)
        return company.transport(outgoing)

    assert company.run(company.slack.find(company.rendered(), SINCE), counted) == []
    assert len(calls) == 6


def test_a_search_that_would_never_end_stays_in_doubt(company: Company) -> None:
    endless = {"ok": True, "messages": [], "response_metadata": {"next_cursor": "on and on"}}

    def answer(outgoing: Outgoing) -> Response:
        return Response(200, json.dumps(endless).encode())

    with pytest.raises(Unsure):
        company.run(company.slack.find(company.rendered(), SINCE), answer)


def test_somebody_else_s_nonce_is_not_ours(company: Company) -> None:
    payload = company.rendered().payload
    answer = company.as_person(company.ann.token, "chat.postMessage", **payload)
    assert answer["ok"] is True
    assert company.run(company.slack.find(company.rendered(), SINCE)) == []


# --- Asking


def test_a_message_is_fetched_as_its_event_told_it(company: Company) -> None:
    ts = company.fake.type_as(company.ann.id, company.general, "Hello **@Bob Okafor**, see https://example.com 👍")
    [told] = company.told()
    fetched = company.run(company.slack.fetch(Reference(Kind.POSTED, company.general, ts)))
    assert fetched["channel"] == company.general
    assert company.slack.parse(fetched, told.reference) == company.slack.parse(told.content or {}, told.reference)


def test_a_reply_is_fetched_from_its_thread(company: Company) -> None:
    root = company.fake.type_as(company.ann.id, company.general, "tea?")
    company.fake.type_as(company.ann.id, company.general, "later")
    for text in ("yes", "no"):
        reply = company.as_person(
            company.bob.token, "chat.postMessage", channel=company.general, text=text, thread_ts=root
        )
    reference = Reference(Kind.POSTED, company.general, MessageId(reply["ts"]))
    event = company.slack.parse(company.run(company.slack.fetch(reference)), reference)
    assert isinstance(event, Posted)
    assert (event.message.thread, plain(event.message.body)) == (root, "no")


def test_a_message_that_is_not_there_is_gone(company: Company) -> None:
    with pytest.raises(Gone):
        company.run(company.slack.fetch(Reference(Kind.POSTED, company.general, MessageId("1.000000"))))


def test_people_and_apps_are_known_by_name(company: Company) -> None:
    ours = company.fake.workspace
    ann = company.run(company.slack.account(AccountId(company.ann.id)))
    assert ann == Account(AccountId(company.ann.id), "Ann Moreau", "ann@acme.example")
    assert company.run(company.slack.account(AccountId(ours.bot_user))).is_bot
    assert company.run(company.slack.account(AccountId(ours.bot_id))) == Account(
        AccountId(ours.bot_id), "Mio", avatar_url="https://avatars.slack-edge.com/app_72.png", is_bot=True
    )
    for unknown in ("U0NOBODY01", "B0NOBODY01"):
        with pytest.raises(Gone):
            company.run(company.slack.account(AccountId(unknown)))


@pytest.mark.parametrize(
    ("user", "name"),
    [
        ({"name": "ann", "real_name": "Ann M", "profile": {"display_name": "Annie", "real_name": "Ann"}}, "Annie"),
        ({"name": "ann", "real_name": "Ann M", "profile": {"display_name": "", "real_name": "Ann"}}, "Ann"),
        ({"name": "ann", "real_name": "Ann M", "profile": None}, "Ann M"),
        ({"name": "ann", "real_name": None}, "ann"),
        ({}, "U0ALICE001"),
    ],
)
def test_a_person_has_the_name_that_slack_shows(company: Company, user: dict[str, Any], name: str) -> None:
    body = json.dumps({"ok": True, "user": user}).encode()
    found = company.run(company.slack.account(AccountId("U0ALICE001")), lambda outgoing: Response(200, body))
    assert found.name == name


# --- Trouble


def complaining(code: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Callable[..., Response]:
    body = json.dumps({"ok": False, "error": code}).encode()
    return lambda outgoing: Response(status, body, headers or {})


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("token_revoked", Reconnect),
        ("invalid_auth", Reconnect),
        ("account_inactive", Reconnect),
        ("not_allowed_token_type", Reconnect),
        ("ratelimited", RateLimited),
        ("rate_limited", RateLimited),
        ("channel_not_found", Gone),
        ("not_in_channel", Gone),
        ("is_archived", Gone),
        ("fatal_error", Unsure),
        ("internal_error", Unsure),
        ("service_unavailable", Unsure),
        ("team_added_to_org", Unavailable),
        ("restricted_action", Refused),
        ("invalid_blocks", Refused),
        ("never_seen_before", Refused),
        ("", Refused),
    ],
)
def test_a_refused_post_says_what_is_to_be_done(company: Company, code: str, error: type[ConnectorError]) -> None:
    with pytest.raises(ConnectorError) as caught:
        company.run(company.slack.post(company.rendered()), complaining(code))
    assert type(caught.value) is error
    assert "hello" not in str(caught.value)


def test_asking_again_does_no_harm(company: Company) -> None:
    for answer in (complaining("internal_error"), lambda outgoing: Response(200, b"<html>")):
        with pytest.raises(Unavailable):
            company.run(company.slack.account(AccountId("U0ALICE001")), answer)


@pytest.mark.parametrize(
    "answer", [Response(200, b"<html>"), Response(200, b"[]"), Response(500), Response(200, b"{}")]
)
def test_a_post_that_got_no_clear_answer_is_unsure(company: Company, answer: Response) -> None:
    expected = Refused if answer.body == b"{}" else Unsure
    with pytest.raises(expected):
        company.run(company.slack.post(company.rendered()), lambda outgoing: answer)


def test_a_post_without_an_id_is_unsure(company: Company) -> None:
    with pytest.raises(Unsure):
        company.run(company.slack.post(company.rendered()), lambda outgoing: Response(200, b'{"ok":true}'))


def test_slack_s_pause_is_kept(company: Company) -> None:
    with pytest.raises(RateLimited) as caught:
        company.run(company.slack.post(company.rendered()), complaining("ratelimited", 429, {"retry-after": "7"}))
    assert caught.value.after == 7


def test_a_missing_scope_is_named(company: Company) -> None:
    company.fake.workspace.callers[company.fake.credentials().tokens["bot"]].scopes.discard("chat:write")
    with pytest.raises(Reconnect, match="chat:write"):
        company.run(company.slack.post(company.rendered()))


def test_a_revoked_token_needs_a_new_connection(company: Company) -> None:
    company.fake.workspace.callers.clear()
    with pytest.raises(Reconnect):
        company.run(company.slack.post(company.rendered()))


def test_an_archived_channel_is_gone(company: Company) -> None:
    company.fake.workspace.channels[company.general].archived = True
    with pytest.raises(Gone, match="archived"):
        company.run(company.slack.post(company.rendered()))


def test_a_reason_never_repeats_what_was_said(company: Company) -> None:
    body = json.dumps({"ok": False, "error": "Secret <content>!"}).encode()
    with pytest.raises(Refused, match="no reason given"):
        company.run(company.slack.post(company.rendered()), lambda outgoing: Response(200, body))


# --- The fake is as strict as Slack


def post_blocks(company: Company, *elements: Any) -> dict[str, Any]:
    blocks = [{"type": "rich_text", "elements": list(elements)}]
    return company.as_person(company.ann.token, "chat.postMessage", channel=company.general, blocks=blocks)


SECTION = {"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}


@pytest.mark.parametrize(
    "element",
    [
        {"type": "rich_text_section", "elements": []},
        {"type": "rich_text_section", "elements": [{"type": "text", "text": ""}]},
        {"type": "rich_text_section", "elements": [{"type": "text", "text": "x", "style": {"loud": True}}]},
        {"type": "rich_text_section", "elements": [{"type": "user", "user_id": "U0NOBODY01"}]},
        {"type": "rich_text_section", "elements": [{"type": "hologram"}]},
        {"type": "rich_text_list", "style": "fancy", "elements": [SECTION]},
        {"type": "rich_text_list", "style": "bullet", "indent": 9, "elements": [SECTION]},
        {"type": "rich_text_list", "style": "bullet", "elements": [{"type": "rich_text_quote", "elements": [SECTION]}]},
        {"type": "text", "text": "x"},
    ],
)
def test_bad_blocks_are_refused(company: Company, element: Any) -> None:
    assert post_blocks(company, SECTION)["ok"] is True
    assert post_blocks(company, element)["error"] == "invalid_blocks"


def test_too_much_text_of_a_bot_is_refused(company: Company) -> None:
    token = company.fake.credentials().tokens["bot"]
    answer = company.as_person(token, "chat.postMessage", channel=company.general, text="x" * 4_001)
    assert answer["error"] == "msg_too_long"


def test_too_much_text_of_a_person_is_cut_with_a_warning(company: Company) -> None:
    answer = company.as_person(company.ann.token, "chat.postMessage", channel=company.general, text="x" * 40_001)
    assert (answer["warning"], len(answer["message"]["text"])) == ("message_truncated", 40_000)


def test_an_endless_block_is_refused(company: Company) -> None:
    long = {"type": "rich_text_section", "elements": [{"type": "text", "text": "x" * 13_001}]}
    assert post_blocks(company, long)["error"] == "msg_blocks_too_long"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"text": "x"}, "channel_not_found"),
        ({"channel": "C0NOWHERE1", "text": "x"}, "channel_not_found"),
        ({"channel": "general"}, "no_text"),
        ({"channel": "general", "blocks": "["}, "invalid_blocks_format"),
        (
            {"channel": "general", "text": "x", "metadata": {"event_type": "no payload"}},
            "invalid_metadata_format",
        ),
    ],
)
def test_a_wrong_post_is_refused(company: Company, arguments: dict[str, Any], error: str) -> None:
    if arguments.get("channel") == "general":
        arguments = arguments | {"channel": company.general}
    assert company.as_person(company.ann.token, "chat.postMessage", **arguments)["error"] == error


def test_only_bearers_get_in(company: Company) -> None:
    def ask(headers: dict[str, str], query: dict[str, str]) -> Any:
        return json.loads(
            company.fake.handle(Request("GET", "https://slack.com/api/auth.test", headers, query, b"")).body
        )

    assert ask({}, {"token": company.ann.token})["error"] == "not_authed"
    assert ask({"authorization": "Bearer xoxp-wrong"}, {})["error"] == "invalid_auth"
    assert ask({"authorization": f"Bearer {company.ann.token}"}, {})["ok"] is True


def test_outside_the_api_there_is_nothing(company: Company) -> None:
    assert company.fake.handle(Request("GET", "https://slack.com/signin", {}, {}, b"")).status == 404


# --- What the workspace tells


def test_what_is_typed_is_told_as_slack_s_client_stores_it(company: Company) -> None:
    company.fake.type_as(
        company.ann.id, company.general, "Hi @Bob Okafor and @here 👍🏽 :tada: :no: `:tada: @Ann Moreau`"
    )
    [told] = company.told()
    event = company.slack.parse(told.content or {}, told.reference)
    assert isinstance(event, Posted)
    assert event.message.author == company.ann.id
    assert mentions(event.message.body) == [Mention(company.bob.id, AccountId(company.bob.id))]
    assert plain(event.message.body) == f"Hi @{company.bob.id} and @here 👍🏽 🎉 :no: :tada: @Ann Moreau"
    assert Broadcast("here") in list(inlines(event.message.body.blocks))
    assert '{"type": "emoji", "name": "tada"' in json.dumps(told.content)


def test_what_a_person_posts_through_an_app_is_told_as_theirs_and_not_as_ours(company: Company) -> None:
    company.as_person(company.ann.token, "chat.postMessage", channel=company.general, text="*hi* <!here> &")
    [told] = company.told()
    assert told.content is not None
    assert told.content["app_id"] != company.fake.workspace.app_id
    event = company.slack.parse(told.content, told.reference)
    assert isinstance(event, Posted)
    assert event.message.author == company.ann.id
    assert event.message.author not in company.slack.own_accounts
    assert plain(event.message.body) == "hi @here &"


def test_text_alone_becomes_blocks(company: Company) -> None:
    answer = company.as_person(
        company.ann.token, "chat.postMessage", channel=company.general, text="*a* < b https://x.example/?q=1."
    )
    assert answer["message"]["text"] == "*a* &lt; b <https://x.example/?q=1>."
    assert answer["message"]["blocks"][0]["elements"][0]["elements"] == [
        {"type": "text", "text": "a", "style": {"bold": True}},
        {"type": "text", "text": " < b "},
        {"type": "link", "url": "https://x.example/?q=1"},
        {"type": "text", "text": "."},
    ]


def test_a_mention_of_the_app_is_told_twice_and_counts_once(company: Company) -> None:
    bot = company.fake.workspace.bot_user
    company.as_person(company.ann.token, "chat.postMessage", channel=company.general, text=f"<@{bot}> help")
    first, second = company.told()
    assert [first.reference.kind, second.reference.kind] == [Kind.COMMAND, Kind.COMMAND]
    assert first.event_id == second.event_id


def test_a_repeated_webhook_says_so_and_keeps_its_event_id(company: Company) -> None:
    company.fake.type_as(company.ann.id, company.general, "hello")
    [webhook] = company.webhooks
    assert opened(webhook)[0].event_id == opened(webhook)[0].event_id
    assert webhook.sign()["x-slack-retry-num"] == "2"
    assert webhook.url == "https://hub.example.com/webhooks/slack/"


def test_the_client_shows_messages_escaped_and_with_names(company: Company) -> None:
    company.fake.type_as(company.ann.id, company.general, "<script>alert(1)</script> **@Bob Okafor**")
    company.run(company.slack.post(company.rendered(byline=Byline("Dev", "Teams", "https://x.example/dev.png"))))
    typed, relayed = company.fake.shown(company.general)
    assert "<script" not in typed.html
    assert "@Bob Okafor" in typed.html
    assert (typed.author, typed.is_app) == ("Ann Moreau", False)
    assert (relayed.author, relayed.avatar_url, relayed.is_app) == ("Dev (Teams)", "https://x.example/dev.png", True)


def test_messages_of_one_channel_never_share_an_id() -> None:
    fake = FakeSlack(SECRETS, "", clock=lambda: 1_700_000_000.0)
    general, ann = fake.places()[0].conversation, fake.people()[0].id
    posted = [fake.type_as(ann, general, "x") for _ in range(3)]
    assert posted == ["1700000000.000000", "1700000000.000001", "1700000000.000002"]


def test_only_so_many_messages_are_kept(company: Company) -> None:
    for number in range(2_005):
        company.fake.type_as(company.ann.id, company.general, str(number))
    assert len(company.fake.workspace.channels[company.general].messages) == 2_000


def test_a_restarted_workspace_is_the_same(company: Company) -> None:
    again = Company()
    assert (again.fake.people(), again.fake.places()) == (company.fake.people(), company.fake.places())
    assert again.fake.credentials() == company.fake.credentials()


def test_a_further_channel_can_be_opened(company: Company) -> None:
    place = company.fake.add_place("project-x")
    assert place in company.fake.places()
    company.fake.type_as(company.ann.id, ConversationId(place.id), "hello")
    assert len(company.fake.shown(place.conversation)) == 1


def test_the_directory_names_everybody_and_our_app(company: Company) -> None:
    names = [account.name for account in company.fake.directory()]
    assert names == ["Ann Moreau", "Bob Okafor", "Carla Jensen", "Mio", "Slackbot"]
