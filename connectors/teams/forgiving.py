"""Calls of which a missing permission ends no connection: those in chats, and those with somebody's own token."""

from dataclasses import replace

from connectors.calls import Call, Calls, Response, T
from connectors.errors import ConnectorError, Reconnect, Refused
from connectors.teams.client import Judge


def forgiving(calls: Calls[T]) -> Calls[T]:
    """The same calls, refused where they lack a permission: nothing but that call is worse for it."""
    try:
        call = next(calls)
        while True:
            try:
                response = yield replace(call, judge=refusing(call.judge))
            except ConnectorError as error:
                call = calls.throw(error)
            else:
                call = calls.send(response)
    except StopIteration as end:
        result: T = end.value
        return result


def refusing(judge: Judge) -> Judge:
    """What 403 says is missing; 401 is still a token that no longer holds."""

    def judging(call: Call, response: Response) -> None:
        try:
            judge(call, response)
        except Reconnect as missing:
            if response.status != 403:
                raise
            raise Refused(str(missing)) from missing

    return judging
