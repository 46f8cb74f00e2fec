"""The faces of the platforms are there, with a sandbox or without."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

import connectors


@pytest.fixture(autouse=True)
def plain_http(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = False
    settings.MIO_SANDBOX_URL = ""


@pytest.mark.parametrize("slug", connectors.slugs())
def test_a_logo_is_a_drawing_that_cannot_do_anything(client: Client, slug: str) -> None:
    answer = client.get(reverse("logo", args=[slug]))
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert b"<svg" in answer.content


@pytest.mark.parametrize("slug", ["icq", "contract"])
def test_a_platform_that_does_not_exist_has_no_logo(client: Client, slug: str) -> None:
    assert client.get(reverse("logo", args=[slug])).status_code == 404
