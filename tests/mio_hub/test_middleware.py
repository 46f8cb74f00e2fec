"""Static files arrive whole, once, and with the headers that let a browser keep them."""

import warnings

from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

SHEET = "/static/mio_hub/tokens.css"


def test_a_static_file_arrives_whole(client: Client) -> None:
    answer = client.get(SHEET, secure=True)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/css")
    assert len(answer.content) == int(answer.headers["Content-Length"])
    assert b"--accent" in answer.content


def test_a_browser_that_has_the_file_is_told_so(client: Client) -> None:
    known = client.get(SHEET, secure=True).headers["ETag"]
    answer = client.get(SHEET, secure=True, headers={"If-None-Match": known})
    assert answer.status_code == 304
    assert answer.content == b""
    assert "Content-Type" not in answer.headers


def test_only_the_length_is_told_when_only_that_is_asked(client: Client) -> None:
    answer = client.head(SHEET, secure=True)
    assert int(answer.headers["Content-Length"]) > 0
    assert answer.content == b""


def test_no_file_is_streamed_under_asgi() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answer = async_to_sync(AsyncClient().get)(SHEET, secure=True)
    assert not answer.streaming
