import asyncio
import time
from typing import Any

import pytest

from connectors.calls import Call, Calls, Response
from connectors.http import Outgoing, drive, drive_blocking


def asked_later() -> Calls[int]:
    response = yield Call("GET", "https://example.com/", scopes=(), bucket="x", token="", after=2.5)
    return response.status


def test_both_drivers_wait_before_a_call_that_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[Any] = []

    async def pause(seconds: float) -> None:
        happened.append(seconds)

    async def send(outgoing: Outgoing) -> Response:
        return send_blocking(outgoing)

    def send_blocking(outgoing: Outgoing) -> Response:
        happened.append(outgoing.method)
        return Response(200, b"")

    with monkeypatch.context() as patched:
        patched.setattr(time, "sleep", happened.append)
        assert drive_blocking(asked_later(), send_blocking, None) == 200
    with monkeypatch.context() as patched:
        patched.setattr(asyncio, "sleep", pause)
        assert asyncio.run(drive(asked_later(), send, None)) == 200
    assert happened == [2.5, "GET", 2.5, "GET"]
