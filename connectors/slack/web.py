"""Slack's Web API as such: how a method is called and what its answers mean (reference §3.1)."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from connectors.calls import Call, Calls, Response, T, judge_status, retry_after
from connectors.errors import ConnectorError, Gone, NotSupported, RateLimited, Reconnect, Refused, Unavailable, Unsure
from connectors.slack.rich_text import Object, text_of

API = "https://slack.com/api/"
NO_WORDS: Mapping[str, str] = {}


class Lacking(Reconnect):
    """Our token is good and lacks a permission: of the app's, somebody must grant it."""


_WORD = re.compile(r"[a-z0-9_:,. -]{1,200}")


def asking(method: str, *scopes: str, **form: str) -> Call:
    """A call of a method that only looks."""
    return Call("POST", API + method, scopes=scopes, bucket=method, form=form, judge=judge)


def telling(
    method: str,
    payload: Mapping[str, Any],
    *scopes: str,
    settled: tuple[str, ...] = (),
    refused: Mapping[str, str] = NO_WORDS,
) -> Call:
    """A call of a method that changes something and may be repeated.

    ``settled`` are the complaints that are no failure, as it is so already; ``refused`` are those which here mean that it
    is refused for good, with the reason.
    """
    judged = partial(judge, settled=settled, refused=refused) if settled or refused else judge
    return Call("POST", API + method, scopes=scopes, bucket=method, json=dict(payload), judge=judged)


def of_a_person(calls: Calls[T]) -> Calls[T]:
    """``calls`` with somebody's own token: what they did not permit is refused, and their consent stands."""
    try:
        return (yield from calls)
    except Lacking as error:
        raise Refused(str(error)) from None


def inner(outer: Object, key: str) -> Object:
    """The object under ``key``, or an empty one."""
    value = outer.get(key)
    return value if isinstance(value, dict) else {}


def judge(call: Call, response: Response, settled: tuple[str, ...] = (), refused: Mapping[str, str] = NO_WORDS) -> None:
    """Raise what an answer means: Slack says most of it with status 200 and a word."""
    judge_status(call, response)
    answer = _answer(call, response)
    if answer.get("ok") is True:
        return
    code = text_of(answer, "error") or _unnamed(answer)
    if code in settled:
        return
    if code in refused:
        raise Refused(refused[code])
    if code in _SLOW_DOWN:
        raise RateLimited(retry_after(response.headers))
    if code in _OUTCOME_UNKNOWN:
        raise (Unavailable if call.repeatable else Unsure)(f"Slack is in trouble: {code}")
    if code == "missing_scope":
        raise Lacking(f"a permission is missing in Slack: {word(text_of(answer, 'needed'))}")
    if code == "invalid_name" and call.bucket in _REACTING:
        raise NotSupported("the workspace has no such emoji")
    error, reason = _ERRORS.get(code, (Refused, f"Slack refused: {word(code)}"))
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


def _unnamed(answer: Object) -> str:
    """The complaint about leaving where one is not, which comes in a form of its own (§3.5)."""
    return "not_in_channel" if answer.get("not_in_channel") is True else ""


def word(value: str) -> str:
    """A code from an answer, if it is one: reasons never hold anything else."""
    return value if _WORD.fullmatch(value) else "no reason given"


_REACTING = ("reactions.add", "reactions.remove")
_SLOW_DOWN = frozenset({"ratelimited", "rate_limited"})
_OUTCOME_UNKNOWN = frozenset(
    {"fatal_error", "internal_error", "request_timeout", "service_unavailable", "update_failed"}
)
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
    "external_channel_migrating": (Unavailable, "the channel is being moved to another workspace"),
    "fetch_members_failed": (Unavailable, "Slack could not list who is in the channel"),
    "channel_not_found": (Gone, "the channel does not exist, or the app is not in it"),
    "not_in_channel": (Gone, "the app is not in the channel: invite it there"),
    "is_archived": (Gone, "the channel is archived"),
    "invalid_cursor": (Gone, "Slack no longer knows how far the list was read: it must be read from the beginning"),
    "message_not_found": (Gone, "the message is no longer there"),
    "thread_not_found": (Gone, "the message is no longer there"),
    "no_such_subteam": (Gone, "the user group does not exist, or is disabled"),
    "user_not_found": (Gone, "the person is not in this workspace"),
    "users_not_found": (Gone, "nobody in this workspace has this address"),
    "user_not_visible": (Gone, "the person is not visible to the app"),
    "bot_not_found": (Gone, "the app that posted is no longer installed"),
    "message_limit_exceeded": (Refused, "the workspace has reached its limit of messages"),
    "restricted_action": (Refused, "the workspace does not let the app post there"),
    "restricted_action_read_only_channel": (Refused, "the channel is read-only"),
    "restricted_action_thread_only_channel": (Refused, "the channel takes replies in threads only"),
    "msg_too_long": (Refused, "the message is too long for Slack"),
    "msg_blocks_too_long": (Refused, "the message is too long for Slack"),
    "cant_update_message": (Refused, "Slack lets only its author edit this message"),
    "edit_window_closed": (Refused, "the workspace no longer lets this message be edited"),
    "is_inactive": (Refused, "the message can no longer be edited"),
    "cant_delete_message": (Refused, "Slack does not let the app delete this message"),
    "too_many_emoji": (Refused, "the message has as many different emoji as Slack allows"),
    "too_many_reactions": (Refused, "the app has put as many emoji on the message as Slack allows"),
    "not_reactable": (Refused, "nobody can react to this message"),
    "thread_locked": (Refused, "the thread is locked"),
    "file_not_found": (Gone, "the file is no longer there"),
    "file_deleted": (Gone, "the file was deleted"),
    "not_visible": (Gone, "the file is not visible to the app"),
    "file_uploads_disabled": (Refused, "the workspace does not allow files"),
    "file_uploads_except_images_disabled": (Refused, "the workspace allows no files but images"),
    "file_type_not_allowed": (Refused, "the workspace does not allow files of this kind"),
    "file_upload_size_restricted": (Refused, "the file is larger than the workspace allows"),
    "storage_limit_reached": (Refused, "the workspace has no room for more files"),
    "posting_to_channel_denied": (Refused, "the workspace does not let the app post there"),
    "name_taken": (Refused, "another channel of the workspace has this name"),
    "not_authorized": (Refused, "Slack lets only who made the channel, or an administrator, rename it"),
    "user_is_restricted": (Refused, "Slack does not let guests do this"),
    "too_long": (Refused, "the topic is too long for Slack"),
    "user_not_in_channel": (Gone, "the person is not in the channel"),
}
