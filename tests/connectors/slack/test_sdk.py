"""The fake workspace serves Slack's own SDK unchanged, and answers as the published specification says."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from jsonschema import Draft4Validator
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier

from connectors.consent import Preset
from connectors.contract import Request
from connectors.sandbox import Webhook, World
from connectors.slack.connector import Slack
from connectors.slack.sandbox import FakeSlack
from connectors.slack.sandbox_api import METHODS
from connectors.slack.sandbox_files import add_file

OPENAPI = Path(__file__).parents[3] / "../shared/specs/slack/slack_web_openapi_v2.json"


@pytest.fixture
def fake(world: World) -> FakeSlack:
    fake = world.fakes["slack"]
    assert isinstance(fake, FakeSlack)
    return fake


@pytest.fixture
def ann(fake: FakeSlack, sandbox_url: str) -> WebClient:
    """A program that speaks for Ann."""
    return WebClient(fake.people()[0].token, base_url=f"{sandbox_url}/slack.com/api/")


@pytest.fixture
def bot(fake: FakeSlack, sandbox_url: str) -> WebClient:
    return WebClient(fake.credentials().tokens["bot"], base_url=f"{sandbox_url}/slack.com/api/")


@pytest.fixture
def general(fake: FakeSlack) -> str:
    return fake.places()[0].id


def test_it_knows_whose_token_it_is(fake: FakeSlack, ann: WebClient, bot: WebClient) -> None:
    assert ann.auth_test()["user_id"] == fake.people()[0].id
    assert "bot_id" not in ann.auth_test()
    assert bot.auth_test()["bot_id"] == fake.credentials().extra["bot_id"]
    assert ann.team_info()["team"]["name"] == "Acme"


def test_a_message_is_posted_and_read(fake: FakeSlack, ann: WebClient, general: str) -> None:
    posted = ann.chat_postMessage(channel=general, text="Ünï *bold*")
    [message] = ann.conversations_history(channel=general)["messages"]
    assert (message["text"], message["ts"]) == ("Ünï *bold*", posted["ts"])
    assert message["user"] == fake.people()[0].id


def test_blocks_and_metadata_travel_as_form_and_as_json(bot: WebClient, general: str) -> None:
    blocks = [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [text("hi")]}]}]
    metadata = {"event_type": "mio_relayed", "event_payload": {"nonce": "n1"}}
    bot.chat_postMessage(channel=general, text="hi", blocks=blocks, metadata=metadata, username="Dev (Teams)")
    form = {"channel": general, "text": "hi", "blocks": json.dumps(blocks), "metadata": json.dumps(metadata)}
    bot.api_call("chat.postMessage", data=form)
    bare = bot.conversations_history(channel=general)["messages"]
    full = bot.conversations_history(channel=general, include_all_metadata=True)["messages"]
    assert [message.get("metadata") for message in bare] == [None, None]
    assert [message["metadata"] for message in full] == [metadata, metadata]
    assert [message["blocks"] for message in full] == [blocks, blocks]
    assert full[1]["username"] == "Dev (Teams)"


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


def test_history_is_paged_newest_first(ann: WebClient, general: str) -> None:
    posted = [ann.chat_postMessage(channel=general, text=str(number))["ts"] for number in range(5)]
    pages = [
        ([message["ts"] for message in page["messages"]], page["has_more"])
        for page in ann.conversations_history(channel=general, limit=2)
    ]
    assert pages == [(posted[4:2:-1], True), (posted[2:0:-1], True), (posted[:1], False)]


def test_a_channel_is_renamed_and_given_a_topic(bot: WebClient, ann: WebClient, general: str) -> None:
    assert bot.conversations_rename(channel=general, name="lounge")["channel"]["name"] == "lounge"
    bot.conversations_setTopic(channel=general, topic="tea & cake")
    assert ann.conversations_info(channel=general)["channel"]["topic"]["value"] == "tea &amp; cake"
    with pytest.raises(SlackApiError, match="name_taken"):
        bot.conversations_rename(channel=general, name="coffee")
    with pytest.raises(SlackApiError, match="missing_scope"):
        ann.conversations_rename(channel=general, name="x")


def test_history_is_bounded_by_time(ann: WebClient, general: str) -> None:
    first, second, third = (ann.chat_postMessage(channel=general, text=str(number))["ts"] for number in range(3))

    def between(**bounds: Any) -> list[str]:
        return [message["ts"] for message in ann.conversations_history(channel=general, **bounds)["messages"]]

    assert between(oldest=first, latest=third) == [second]
    assert between(oldest=first, latest=third, inclusive=True) == [third, second, first]
    assert between(oldest=second, latest=second, inclusive=True, limit=1) == [second]
    assert between(oldest=first) == [third, second]


def test_replies_are_in_their_thread_and_not_in_the_channel(ann: WebClient, general: str) -> None:
    root = ann.chat_postMessage(channel=general, text="tea?")["ts"]
    reply = ann.chat_postMessage(channel=general, text="yes", thread_ts=root)["ts"]
    shared = ann.chat_postMessage(channel=general, text="all", thread_ts=root, reply_broadcast=True)["ts"]
    [broadcast, parent] = ann.conversations_history(channel=general)["messages"]
    assert (broadcast["ts"], broadcast["subtype"]) == (shared, "thread_broadcast")
    assert (parent["ts"], parent["reply_count"], parent["latest_reply"]) == (root, 2, shared)
    thread = ann.conversations_replies(channel=general, ts=root)["messages"]
    assert [message["ts"] for message in thread] == [root, reply, shared]


def test_a_message_is_changed_and_deleted_by_its_author_alone(ann: WebClient, bot: WebClient, general: str) -> None:
    ts = ann.chat_postMessage(channel=general, text="old")["ts"]
    changed = ann.chat_update(channel=general, ts=ts, text="new")
    assert (changed["text"], changed["message"]["edited"]["ts"][-7:]) == ("new", ".000000")
    for refused, error in ((bot.chat_update, "cant_update_message"), (bot.chat_delete, "cant_delete_message")):
        with pytest.raises(SlackApiError, match=error):
            refused(channel=general, ts=ts, **({"text": "x"} if refused == bot.chat_update else {}))
    ann.chat_delete(channel=general, ts=ts)
    with pytest.raises(SlackApiError, match="message_not_found"):
        ann.chat_delete(channel=general, ts=ts)


def test_reactions_are_counted(ann: WebClient, bot: WebClient, general: str) -> None:
    ts = ann.chat_postMessage(channel=general, text="x")["ts"]
    for client in (ann, bot):
        client.reactions_add(channel=general, timestamp=ts, name="wave::skin-tone-4")
    with pytest.raises(SlackApiError, match="already_reacted"):
        ann.reactions_add(channel=general, timestamp=ts, name="wave::skin-tone-4")
    ann.reactions_remove(channel=general, timestamp=ts, name="wave::skin-tone-4")
    with pytest.raises(SlackApiError, match="no_reaction"):
        ann.reactions_remove(channel=general, timestamp=ts, name="wave::skin-tone-4")
    with pytest.raises(SlackApiError, match="invalid_name"):
        ann.reactions_add(channel=general, timestamp=ts, name="not_an_emoji")
    [reaction] = ann.reactions_get(channel=general, timestamp=ts)["message"]["reactions"]
    assert (reaction["name"], reaction["count"]) == ("wave::skin-tone-4", 1)


def test_a_file_is_uploaded_in_three_steps(fake: FakeSlack, ann: WebClient, general: str, sandbox_url: str) -> None:
    place = ann.files_getUploadURLExternal(filename="a.txt", length=3)
    url = place["upload_url"].replace("https:/", sandbox_url)
    assert requests.post(url, data=b"ab", timeout=5).status_code == 400
    place = ann.files_getUploadURLExternal(filename="a.txt", length=3)
    url = place["upload_url"].replace("https:/", sandbox_url)
    assert requests.post(url, data=b"abc", timeout=5).text == "OK - 3"
    files = [{"id": place["file_id"], "title": "a"}]
    told = ann.files_completeUploadExternal(files=files, channel_id=general, initial_comment="see")["files"]
    assert told[0]["shares"] == {}
    [message] = ann.conversations_history(channel=general)["messages"]
    assert (message["subtype"], message["text"], message["user"]) == ("file_share", "see", fake.people()[0].id)
    assert fake.files(fake.places()[0].conversation) == [("a.txt", b"abc")]
    address = message["files"][0]["url_private_download"].replace("https:/", sandbox_url)
    read = requests.get(address, headers={"Authorization": f"Bearer {ann.token}"}, timeout=5)
    assert (read.content, read.headers["content-type"]) == (b"abc", "text/plain")
    assert "Sign in" in requests.get(address, timeout=5).text
    with pytest.raises(SlackApiError, match="method_deprecated"):
        ann.api_call("files.upload")


def test_channels_are_listed(fake: FakeSlack, ann: WebClient, general: str) -> None:
    listed = ann.conversations_list(types=["public_channel", "private_channel"], limit=1)
    names = [channel["name"] for page in listed for channel in page["channels"]]
    assert names == ["general", "coffee"]
    assert ann.conversations_list(types="im")["channels"] == []
    assert ann.conversations_info(channel=general, include_num_members=True)["channel"]["num_members"] == 4
    mine = ann.users_conversations(user=fake.people()[0].id)["channels"]
    assert [channel["id"] for channel in mine] == [place.id for place in fake.places()]


def test_people_are_listed(fake: FakeSlack, ann: WebClient, general: str) -> None:
    ids = [person.id for person in fake.people()]
    assert ann.conversations_members(channel=general)["members"] == [*ids, fake.workspace.bot_user]
    members = [member for page in ann.users_list(limit=2) for member in page["members"]]
    assert [member["profile"]["real_name"] for member in members] == [
        "Ann Moreau",
        "Bob Okafor",
        "Carla Jensen",
        "Mio",
        "Slackbot",
    ]
    assert ann.users_info(user=ids[1])["user"]["profile"]["email"] == "bob@acme.example"
    assert ann.bots_info(bot=fake.workspace.bot_id)["bot"]["app_id"] == fake.workspace.app_id


def test_a_large_directory_is_walked_by_the_sdk_s_own_paging(fake: FakeSlack, bot: WebClient) -> None:
    fake.populate(people=250, channels=30, members=3)
    people = [member["name"] for page in bot.users_list(limit=100) for member in page["members"]]
    assert (len(people), people[-1]) == (255, "person.00250")
    channels = [channel for page in bot.conversations_list(limit=15) for channel in page["channels"]]
    assert (len(channels), channels[-1]["num_members"]) == (32, 4)
    fake.populate(people=1_000, channels=0, members=0)
    with pytest.raises(SlackApiError, match="limit_required"):
        bot.users_list()


def test_channels_are_made_and_filled_and_emptied(fake: FakeSlack, bot: WebClient, ann: WebClient) -> None:
    ids = [person.id for person in fake.people()]
    made = bot.conversations_create(name="ideas", is_private=True)["channel"]
    assert (made["is_private"], made["is_member"]) == (True, True)
    with pytest.raises(SlackApiError, match="channel_not_found"):
        ann.conversations_info(channel=made["id"])
    assert bot.conversations_invite(channel=made["id"], users=ids)["channel"]["id"] == made["id"]
    assert ann.conversations_info(channel=made["id"])["channel"]["name"] == "ideas"
    bot.conversations_kick(channel=made["id"], user=ids[0])
    assert bot.conversations_members(channel=made["id"])["members"] == [fake.workspace.bot_user, *ids[1:]]
    assert bot.conversations_leave(channel=made["id"])["ok"]
    with pytest.raises(SlackApiError, match="channel_not_found"):
        bot.conversations_join(channel=made["id"])
    general = fake.places()[0].id
    assert bot.conversations_join(channel=general)["warning"] == "already_in_channel"
    with pytest.raises(SlackApiError) as caught:
        bot.conversations_invite(channel=general, users=[ids[0], "U0NOBODY01"])
    assert [error["error"] for error in caught.value.response["errors"]] == ["already_in_channel", "user_not_found"]


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        ("never.heard", {}, "unknown_method"),
        ("conversations.list", {"limit": "1001"}, "invalid_limit"),
        ("conversations.list", {"types": "public_channel,rooms"}, "invalid_types"),
        ("conversations.create", {"name": "ideas"}, "missing_scope"),
        ("conversations.join", {"channel": "C0NOWHERE1"}, "missing_scope"),
        ("conversations.info", {"channel": "C0NOWHERE1"}, "channel_not_found"),
        ("conversations.history", {"channel": "C0NOWHERE1"}, "channel_not_found"),
        ("conversations.list", {"cursor": "bm90aGluZw=="}, "invalid_cursor"),
        ("conversations.list", {"limit": "many"}, "invalid_limit"),
        ("users.info", {"user": "U0NOBODY01"}, "user_not_found"),
        ("bots.info", {"bot": "B0NOBODY01"}, "bot_not_found"),
    ],
)
def test_what_is_wrong_is_an_error_of_the_sdk(ann: WebClient, method: str, arguments: Any, error: str) -> None:
    with pytest.raises(SlackApiError) as caught:
        ann.api_call(method, data=arguments)
    assert caught.value.response["error"] == error


def test_a_missing_thread_and_a_bad_time_are_errors(ann: WebClient, general: str) -> None:
    ann.chat_postMessage(channel=general, text="x")
    with pytest.raises(SlackApiError, match="thread_not_found"):
        ann.conversations_replies(channel=general, ts="1.000000")
    with pytest.raises(SlackApiError, match="invalid_ts_oldest"):
        ann.conversations_history(channel=general, oldest="yesterday")


def test_the_sdk_believes_the_signatures(world: World, world_webhooks: list[Webhook], fake: FakeSlack) -> None:
    fake.type_as(fake.people()[0].id, fake.places()[0].conversation, "hello")
    [webhook] = world_webhooks
    verifier = SignatureVerifier(fake.secrets.signing_secret)
    assert verifier.is_valid_request(webhook.body, dict(webhook.sign()))
    headers = dict(webhook.sign())
    assert Slack.receive(Request("POST", webhook.url, headers, {}, webhook.body), fake.secrets)


# --- The published specification


def loosened(schema: Any) -> Any:
    """A schema of 2020 without what has changed since: longer ids, further fields."""
    if isinstance(schema, list):
        return [loosened(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    dropped = {"pattern", "additionalProperties"}
    return {key: loosened(inner) for key, inner in schema.items() if key not in dropped or isinstance(inner, dict)}


@pytest.fixture(scope="module")
def specification() -> dict[str, Any]:
    if not OPENAPI.exists():
        pytest.skip("Slack's OpenAPI document is not at hand")
    found: dict[str, Any] = loosened(json.loads(OPENAPI.read_text(encoding="utf-8")))
    return found


def calls(fake: FakeSlack) -> Iterator[tuple[str, dict[str, Any]]]:
    (general, coffee), (ann, bob) = (place.id for place in fake.places()), (p.id for p in fake.people()[:2])
    message, own = fake.workspace.channels[general].messages[:2]
    ts, file = message["ts"], next(iter(fake.workspace.files))
    yield "auth.revoke", {"test": "1"}
    yield "auth.test", {}
    yield "bots.info", {"bot": fake.workspace.bot_id}
    yield "chat.postMessage", {"channel": general, "text": "hi"}
    yield "chat.postEphemeral", {"channel": general, "user": ann, "text": "psst"}
    yield "chat.update", {"channel": general, "ts": own["ts"], "text": "ho"}
    yield "chat.delete", {"channel": general, "ts": own["ts"]}
    yield "reactions.add", {"channel": general, "timestamp": ts, "name": "tada"}
    yield "reactions.get", {"channel": general, "timestamp": ts}
    yield "reactions.remove", {"channel": general, "timestamp": ts, "name": "tada"}
    yield "files.info", {"file": file}
    yield "files.delete", {"file": file}
    yield "conversations.history", {"channel": general}
    yield "conversations.info", {"channel": general}
    yield "conversations.list", {}
    yield "conversations.members", {"channel": general}
    yield "conversations.open", {"users": ann}
    yield "conversations.create", {"name": "ideas", "is_private": "1"}
    yield "conversations.invite", {"channel": coffee, "users": bob, "force": "1"}
    yield "conversations.join", {"channel": general}
    yield "conversations.kick", {"channel": coffee, "user": ann}
    yield "conversations.leave", {"channel": coffee}
    yield "conversations.rename", {"channel": general, "name": "lounge"}
    yield "conversations.replies", {"channel": general, "ts": ts}
    yield "conversations.setTopic", {"channel": general, "topic": "tea"}
    yield "team.info", {}
    yield "usergroups.list", {"include_users": "1"}
    yield "usergroups.users.list", {"usergroup": next(iter(fake.workspace.user_groups))}
    yield "users.conversations", {}
    yield "users.info", {"user": ann}
    yield "users.list", {}
    yield "users.lookupByEmail", {"email": "ann@acme.example"}


def test_user_groups_are_listed_and_a_disabled_one_is_no_more(fake: FakeSlack, bot: WebClient) -> None:
    group = fake.add_group("Sales", fake.people()[0].id)
    assert [one["name"] for one in bot.usergroups_list(include_users=True)["usergroups"]] == ["Everybody", "Sales"]
    assert bot.usergroups_users_list(usergroup=group)["users"] == [fake.people()[0].id]
    fake.workspace.user_groups[group].is_disabled = True
    assert [one["name"] for one in bot.usergroups_list()["usergroups"]] == ["Everybody"]
    with pytest.raises(SlackApiError, match="no_such_subteam"):
        bot.usergroups_users_list(usergroup=group)


YOUNGER = {"files.completeUploadExternal", "files.getUploadURLExternal", "files.upload", "openid.connect.userInfo"}
"""Methods that came after the specification, or left."""


def test_every_answer_is_as_specified(fake: FakeSlack, bot: WebClient, specification: dict[str, Any]) -> None:
    fake.type_as(fake.people()[0].id, fake.places()[0].conversation, "hello")
    bot.chat_postMessage(channel=fake.places()[0].id, text="hi")
    add_file(fake.workspace, "a.txt", b"x", fake.workspace.bot_user)
    fake.leave_as(fake.people()[1].id, fake.places()[1].conversation)
    asked = dict(calls(fake))
    assert METHODS.keys() - asked.keys() == YOUNGER
    for method, arguments in asked.items():
        check(specification, method, bot.api_call(method, data=arguments).data)


def test_chats_are_shown_as_specified(fake: FakeSlack, sandbox_url: str, specification: dict[str, Any]) -> None:
    ann, bob, carla = (person.id for person in fake.people())
    client = WebClient(
        fake.own_credentials(ann, Preset.FULL).tokens["person"], base_url=f"{sandbox_url}/slack.com/api/"
    )
    for people in ([ann, bob], [ann, bob, carla]):
        chat = fake.chat(people)
        fake.type_as(ann, chat, "lunch?")
        where = {"channel": chat}
        check(specification, "conversations.info", client.api_call("conversations.info", data=where).data)
        check(specification, "conversations.history", client.api_call("conversations.history", data=where).data)
        check(specification, "conversations.members", client.api_call("conversations.members", data=where).data)
        again = {"users": ",".join(people[1:]), "return_im": "1"}
        check(specification, "conversations.open", client.api_call("conversations.open", data=again).data)
    both = client.api_call("conversations.list", data={"types": "im,mpim"}).data
    check(specification, "conversations.list", both)


def check(specification: dict[str, Any], method: str, answer: Any) -> None:
    schema = next(iter(specification["paths"][f"/{method}"].values()))["responses"]["200"]["schema"]
    problems = list(Draft4Validator(schema | {"definitions": specification["definitions"]}).iter_errors(answer))
    problems = [p for p in problems if list(p.absolute_path) != ["message", "blocks"]]  # a list, whatever it says
    assert not problems, (method, [(list(p.absolute_path), p.message[:200]) for p in problems])
