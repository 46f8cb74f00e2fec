"""Our client at the fake Zoom, and what Zoom's answers mean."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.calls import Response
from connectors.errors import ConnectorError, Gone, RateLimited, Reconnect, Refused, Unavailable, Unsure
from connectors.http import AnswerLost, Outgoing, drive_blocking
from connectors.messages import AccountId, Byline, ConversationId, Draft, Kind, MessageId, Posted, Reference
from connectors.richtext import Mention, mentions, plain
from connectors.sandbox import Webhook
from connectors.zoom import judging
from connectors.zoom.connector import Zoom
from connectors.zoom.sandbox import SERVICE_USER, FakeZoom
from tests.connectors.zoom.scene import SEND, Now, answered, hear, run, said


def test_what_we_post_comes_back_as_an_event_and_is_found_again(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook]
) -> None:
    grace = fake.people()[1]
    body = said(" hello", Mention("Grace Liu", AccountId(grace.id), "grace@acme.example"))
    rendered = zoom.parts(Draft(general, body, "n", Byline("Ann Moreau", "Slack")))[0]
    since = datetime.now(UTC)
    message = run(fake, zoom, zoom.post(rendered))
    echo = hear(webhooks[0], zoom).message
    assert (echo.id, echo.author) == (message, SERVICE_USER.id)
    assert echo.author in zoom.own_accounts
    assert [mention.account for mention in mentions(echo.body)] == [grace.id]
    assert run(fake, zoom, zoom.find(rendered, since)) == [message]
    assert run(fake, zoom, zoom.find(rendered, since + timedelta(minutes=1))) == []


def test_only_our_own_posts_of_the_same_text_are_found(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, now: Now
) -> None:
    rendered = zoom.render(Draft(general, said("same"), "n"))
    since = datetime.fromtimestamp(now(), UTC)
    fake.type_as(fake.people()[0].id, general, "same")
    ours = []
    for _ in range(60):
        now.at += 1
        ours.append(run(fake, zoom, zoom.post(rendered)))
        run(fake, zoom, zoom.post(zoom.render(Draft(general, said("other"), "n"))))
    assert run(fake, zoom, zoom.find(rendered, since)) == ours, "over several pages, oldest first"


def test_a_fetched_message_reads_like_the_event(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook]
) -> None:
    fake.type_as("Carla Jensen", general, "**Hi** @Hugo Brandt, see [it](https://acme.example) :tada:\n\n- a\n- b")
    heard = hear(webhooks[0], zoom).message
    reference = Reference(Kind.POSTED, general, heard.id)
    fetched = zoom.parse(run(fake, zoom, zoom.fetch(reference)), reference)
    assert isinstance(fetched, Posted)
    assert replace(fetched.message, author_name="") == heard
    assert fetched.message.author_name == "Carla Jensen"
    assert "🎉" in plain(heard.body)


def test_a_fetched_message_of_an_outsider_is_theirs(fake: FakeZoom, zoom: Zoom, general: ConversationId) -> None:
    ben = fake.add_outsider("Ben Outside")
    message = fake.type_as(ben.id, general, "hello from next door")
    reference = Reference(Kind.POSTED, general, message)
    fetched = zoom.parse(run(fake, zoom, zoom.fetch(reference)), reference)
    assert isinstance(fetched, Posted)
    assert fetched.message.author == f"member:{ben.id}"


def test_a_message_that_is_not_there_is_gone(fake: FakeZoom, zoom: Zoom, general: ConversationId) -> None:
    for conversation in (general, ConversationId("elsewhere")):
        with pytest.raises(Gone):
            run(fake, zoom, zoom.fetch(Reference(Kind.POSTED, conversation, MessageId("NONE"))))


def test_everybody_in_a_channel_is_listed(fake: FakeZoom, zoom: Zoom, general: ConversationId) -> None:
    everybody = [account.id for account in fake.directory()]
    strangers = [AccountId(f"member:{fake.add_outsider(f'Stranger {number}').id}") for number in range(130)]
    assert run(fake, zoom, zoom.members(general)) == everybody + strangers
    with pytest.raises(Gone):
        run(fake, zoom, zoom.members(ConversationId("elsewhere")))


def test_accounts_are_looked_up_and_outsiders_are_not(fake: FakeZoom, zoom: Zoom) -> None:
    for account in fake.directory():
        assert run(fake, zoom, zoom.account(account.id)) == account
    for unknown in (AccountId("nobody"), AccountId("member:aQ8")):
        with pytest.raises(Gone):
            run(fake, zoom, zoom.account(unknown))


def test_a_message_too_long_is_refused(fake: FakeZoom, zoom: Zoom, general: ConversationId) -> None:
    with pytest.raises(Refused):
        run(fake, zoom, zoom.post(zoom.render(Draft(general, said("x" * 1025), "n"))))


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (answered(401, {"code": 124, "message": "Invalid access token."}), Reconnect),
        (answered(400, {"code": 124, "message": "Access token is expired."}), Reconnect),
        (answered(403, {"code": 403, "message": "x"}), Reconnect),
        (answered(401, {"code": 7010, "message": "x"}), Reconnect),
        (answered(400, {"code": 200, "message": "x"}), Refused),
        (answered(400, {"code": 300, "message": "x"}), Refused),
        (answered(404, {"code": 1001, "message": "x"}), Gone),
        (answered(404, {"code": 4130, "message": "x"}), Gone),
        (answered(400, {"code": 5301, "message": "x"}), Unavailable),
        *((answered(400, {"code": code, "message": "x"}), Refused) for code in (5402, 5403, 5418, 5419, 5420, 5421)),
        (answered(400, {"code": 999999, "message": "x"}), Refused),
        (answered(400, b"<html>"), Refused),
        (answered(404, b""), Gone),
        (answered(500, {"code": 124, "message": "x"}), Unsure),
        (answered(503, b"<html>"), Unsure),
        (answered(429, b""), RateLimited),
    ],
)
def test_an_error_means_what_zoom_says(response: Response, error: type[ConnectorError]) -> None:
    with pytest.raises(error) as caught:
        judging.judge(SEND, response)
    assert type(caught.value) is error


@pytest.mark.parametrize("code", [4700, 4711])
def test_a_missing_scope_is_named(code: int) -> None:
    message = "Invalid access token, does not contain scopes:[team_chat:write:user_message, chat:x:admin]."
    with pytest.raises(Reconnect, match="team_chat:write:user_message, chat:x:admin"):
        judging.judge(SEND, answered(400, {"code": code, "message": message}))


def test_the_words_of_an_unknown_error_are_not_repeated() -> None:
    with pytest.raises(Refused) as caught:
        judging.judge(SEND, answered(400, {"code": 300, "message": "a secret plan"}))
    assert "secret" not in str(caught.value)


def pause(**headers: str) -> float:
    with pytest.raises(RateLimited) as caught:
        judging.judge(SEND, answered(429, {"code": 429, "message": "x"}, **headers))
    return caught.value.after


def test_retry_after_is_understood_in_both_forms() -> None:
    tomorrow = (datetime.now(UTC) + timedelta(hours=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert pause(retry_after="7") == 7
    assert pause(x_ratelimit_type="QPS") == judging.BURST_PAUSE
    assert 5 * 3600 - 5 < pause(x_ratelimit_type="Daily-limit", retry_after=tomorrow) <= 5 * 3600
    assert pause(x_ratelimit_type="Daily-limit") == judging.DAILY_PAUSE
    assert pause(retry_after="inf") == judging.LONGEST_PAUSE
    assert pause(retry_after="2000-01-01T00:00:00Z") == 1


def test_a_post_whose_answer_is_lost_is_unsure(zoom: Zoom, general: ConversationId) -> None:
    def lost(outgoing: Outgoing) -> Response:
        raise AnswerLost

    with pytest.raises(Unsure):
        drive_blocking(zoom.post(zoom.render(Draft(general, said("x"), "n"))), lost, zoom.credentials)


def test_a_post_whose_id_cannot_be_read_is_unsure(zoom: Zoom, general: ConversationId) -> None:
    for body in (b"<html>", b"{}", b"[]"):
        with pytest.raises(Unsure):
            drive_blocking(
                zoom.post(zoom.render(Draft(general, said("x"), "n"))),
                lambda outgoing, body=body: Response(201, body),
                zoom.credentials,
            )


def test_a_search_whose_answer_cannot_be_read_does_not_say_that_nothing_is_there(
    zoom: Zoom, general: ConversationId
) -> None:
    for body in (b"<html>", b"{}", b"[]"):
        with pytest.raises(Unavailable):
            drive_blocking(
                zoom.find(zoom.render(Draft(general, said("x"), "n")), datetime.now(UTC)),
                lambda outgoing, body=body: Response(200, body),
                zoom.credentials,
            )


def test_a_search_needs_the_service_users_address(zoom: Zoom, general: ConversationId) -> None:
    nameless = Zoom(replace(zoom.credentials, extra={}))
    with pytest.raises(Reconnect):
        next(nameless.find(nameless.render(Draft(general, said("x"), "n")), datetime.now(UTC)))
