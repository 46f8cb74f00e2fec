"""What the Hub asks of Slack's Web API (reference §3). Generators of ``Call``s, no I/O."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from connectors.calls import Call, Calls, Response, judge_status, retry_after
from connectors.contract import Content, Rendered
from connectors.errors import ConnectorError, Gone, RateLimited, Reconnect, Refused, Unavailable, Unsure
from connectors.messages import Account, AccountId, ConversationId, MessageId, Reference
from connectors.slack.ids import author, is_bot_profile, is_ts, post_bucket, ts_of
from connectors.slack.render import METADATA_TYPE
from connectors.slack.rich_text import Object, objects, text_of

API = "https://slack.com/api/"

HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")
"""Any one that fits the conversation's type."""

PAGES = 20
"""Pages searched for a lost post: four thousand messages since it was sent, hours of a busy channel."""
PAGE = 200
"""Messages per page, as Slack recommends; unlisted shared apps are given 15 whatever they ask for (§3.1)."""
CLOCK_MARGIN = timedelta(minutes=1)
"""Slack's clock numbers the messages and ours says since when: they may disagree by less than this."""

_WORD = re.compile(r"[a-z0-9_:,. -]{1,200}")


def _call(method: str, *scopes: str, **form: str) -> Call:
    return Call("POST", API + method, scopes=scopes, bucket=method, form=form, judge=judge)


def post(rendered: Rendered) -> Calls[MessageId]:
    """Say it; without ``chat:write.customize`` Slack silently posts under the app's own name."""
    call = Call(
        "POST",
        f"{API}chat.postMessage",
        scopes=("chat:write",),
        bucket=post_bucket(rendered.conversation),
        json=rendered.payload,
        repeatable=False,
        judge=judge,
    )
    response = yield call
    ts = response.json().get("ts")
    if not is_ts(ts):
        raise Unsure("Slack did not say which message it made")
    return MessageId(ts)


def find(rendered: Rendered, since: datetime, own: frozenset[AccountId]) -> Calls[list[MessageId]]:
    """Our own post that carries the nonce of ``rendered``; at most one."""
    form = {"oldest": ts_of(since - CLOCK_MARGIN), "limit": str(PAGE), "include_all_metadata": "1"}
    for _ in range(PAGES):
        response = yield _call("conversations.history", *HISTORY, channel=rendered.conversation, **form)
        page = response.json()
        for message in objects(page.get("messages")):
            if author(message) in own and _nonce(message) == rendered.nonce and is_ts(message.get("ts")):
                return [MessageId(message["ts"])]
        cursor = text_of(_inner(page, "response_metadata"), "next_cursor")
        if not cursor:
            return []
        form["cursor"] = cursor
    raise Unsure("too much was said since to look for a lost message")


def _nonce(message: Object) -> Any:
    metadata = _inner(message, "metadata")
    return _inner(metadata, "event_payload").get("nonce") if metadata.get("event_type") == METADATA_TYPE else None


def _inner(outer: Object, key: str) -> Object:
    value = outer.get(key)
    return value if isinstance(value, dict) else {}


def fetch(reference: Reference) -> Calls[Content]:
    """The message in the shape of its event. A channel's history has no replies: they are asked for as a thread's."""
    where = {"channel": reference.conversation, "oldest": reference.message, "latest": reference.message}
    response = yield _call("conversations.history", *HISTORY, inclusive="1", limit="1", **where)
    found = _one(response, reference.message)
    if found is None:
        call = _call("conversations.replies", *HISTORY, ts=reference.message, inclusive="1", limit="2", **where)
        found = _one((yield call), reference.message)
    if found is None:
        raise Gone("the message is no longer there")
    return _as_event(found, reference.conversation)


def _one(response: Response, ts: MessageId) -> Object | None:
    return next((message for message in objects(response.json().get("messages")) if message.get("ts") == ts), None)


def _as_event(message: Object, conversation: ConversationId) -> Content:
    """Messages of a listing do not repeat the channel they are in."""
    return {**message, "channel": conversation}


def account(account: AccountId) -> Calls[Account]:
    """A person or bot user, or the bot profile under which an app posts."""
    if is_bot_profile(account):
        response = yield _call("bots.info", "users:read", bot=account)
        return _bot(account, _inner(response.json(), "bot"))
    response = yield _call("users.info", "users:read", user=account)
    return _user(account, _inner(response.json(), "user"))


def _bot(account: AccountId, bot: Object) -> Account:
    return Account(account, text_of(bot, "name"), avatar_url=text_of(_inner(bot, "icons"), "image_72"), is_bot=True)


def _user(account: AccountId, user: Object) -> Account:
    """Any field may be missing or empty (§5.1); the e-mail address needs ``users:read.email``."""
    profile = _inner(user, "profile")
    name = text_of(profile, "display_name", "real_name") or text_of(user, "real_name", "name")
    avatar = text_of(profile, "image_192", "image_512", "image_72")
    is_bot = bool(user.get("is_bot")) or account == "USLACKBOT"
    return Account(account, name or account, text_of(profile, "email"), avatar, is_bot)


def judge(call: Call, response: Response) -> None:
    """Raise what an answer means: Slack says most of it with status 200 and a word."""
    judge_status(call, response)
    answer = _answer(call, response)
    if answer.get("ok") is True:
        return
    code = text_of(answer, "error")
    if code in _SLOW_DOWN:
        raise RateLimited(retry_after(response.headers))
    if code in _OUTCOME_UNKNOWN:
        raise (Unavailable if call.repeatable else Unsure)(f"Slack is in trouble: {code}")
    if code == "missing_scope":
        raise Reconnect(f"a Slack scope is missing: {_word(answer, 'needed')}")
    error, reason = _ERRORS.get(code, (Refused, f"Slack refused: {_word(answer, 'error')}"))
    raise error(reason)


def _answer(call: Call, response: Response) -> Mapping[str, Any]:
    """A page instead of JSON comes from a gateway: what happened behind it nobody knows."""
    try:
        answer = response.json()
    except Unavailable as error:
        raise (error if call.repeatable else Unsure(str(error))) from None
    if isinstance(answer, dict):
        return answer
    raise (Unavailable if call.repeatable else Unsure)("Slack did not answer with an object")


def _word(answer: Object, key: str) -> str:
    """A code from an answer, if it is one: reasons never hold anything else."""
    value = text_of(answer, key)
    return value if _WORD.fullmatch(value) else "no reason given"


_SLOW_DOWN = frozenset({"ratelimited", "rate_limited"})
_OUTCOME_UNKNOWN = frozenset({"fatal_error", "internal_error", "service_unavailable", "request_timeout"})
"""May have succeeded (§3.1): a post is looked for before it is repeated."""

_DISCONNECTED = "Slack no longer accepts our token: connect the workspace again"
_ERRORS: dict[str, tuple[type[ConnectorError], str]] = {
    **dict.fromkeys(
        ("account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked", "user_removed_from_team"),
        (Reconnect, _DISCONNECTED),
    ),
    "app_access_restricted": (Reconnect, "the workspace restricts our app: an owner must approve it"),
    "team_access_not_granted": (Reconnect, "the app has no access to this workspace: grant it in Slack"),
    "not_allowed_token_type": (Reconnect, "Slack wants another kind of token: connect the workspace again"),
    "org_login_required": (Unavailable, "the workspace is being moved into an organisation"),
    "team_added_to_org": (Unavailable, "the workspace is being moved into an organisation"),
    "channel_not_found": (Gone, "the channel does not exist, or the app is not in it"),
    "not_in_channel": (Gone, "the app is not in the channel: invite it there"),
    "is_archived": (Gone, "the channel is archived"),
    "message_not_found": (Gone, "the message is no longer there"),
    "thread_not_found": (Gone, "the message is no longer there"),
    "user_not_found": (Gone, "the person is not in this workspace"),
    "user_not_visible": (Gone, "the person is not visible to the app"),
    "bot_not_found": (Gone, "the app that posted is no longer installed"),
    "message_limit_exceeded": (Refused, "the workspace has reached its limit of messages"),
    "restricted_action": (Refused, "the workspace does not let the app post there"),
    "restricted_action_read_only_channel": (Refused, "the channel is read-only"),
    "restricted_action_thread_only_channel": (Refused, "the channel takes replies in threads only"),
    "msg_too_long": (Refused, "the message is too long for Slack"),
    "msg_blocks_too_long": (Refused, "the message is too long for Slack"),
}
