"""How often one address may ask for what costs us something and needs no account: counted in Redis, by address and window."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from ipaddress import ip_network
from typing import Concatenate, ParamSpec

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from redis import Redis, RedisError

from accounts.audit import address_of

log = structlog.get_logger(__name__)

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
Refusal = Callable[[HttpRequest, str], HttpResponse]

PATIENCE = 0.5
"""Seconds that a page waits for Redis: a busy one answers in a hundredth of that."""

NEIGHBOURS = {4: 32, 6: 64}
"""Leading bits, by IP version, of what counts as one caller: a provider hands out IPv6 by the 64."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``requests`` from one caller in each window of ``seconds``. ``name`` keeps it apart from other limits."""

    name: str
    requests: int
    seconds: int = 60

    def wait(self, request: HttpRequest) -> int:
        """Count a request of its address. 0 when it may go on, else the seconds until the next one may."""
        return self.wait_of(_caller(request))

    def wait_of(self, caller: str) -> int:
        """The same for a caller by another name than the address.

        Without Redis nobody is counted and everybody goes on: a limit spares the Hub work, it does not guard anything.
        """
        window, passed = divmod(int(time.time()), self.seconds)
        key = f"limit:{self.name}:{caller}:{window}"
        try:
            with Redis.from_url(settings.REDIS_URL, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE) as redis:
                count, _ = redis.pipeline().incr(key).expire(key, self.seconds).execute()
        except RedisError as error:
            log.warning("limit_not_counted", limit=self.name, error=type(error).__name__)
            return 0
        return self.seconds - passed if count > self.requests else 0


def _caller(request: HttpRequest) -> str:
    address = address_of(request)
    return str(ip_network(f"{address}/{NEIGHBOURS[6 if ':' in address else 4]}", strict=False))


def in_words(request: HttpRequest, why: str) -> HttpResponse:
    """The page for whoever asks too often."""
    return render(request, "too_often.html", {"why": why}, status=429)


def limited(limit: Limit, refuse: Refusal = in_words) -> Callable[[View[P]], View[P]]:
    """Let a view be asked for within ``limit``; beyond it ``refuse`` makes the answer, from the sentence to say."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def counted(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            wait = limit.wait(request)
            if not wait:
                return view(request, *args, **kwargs)
            answer = refuse(request, f"Nothing was done and nothing is lost: wait {wait} seconds, then try again.")
            answer.headers["Retry-After"] = str(wait)
            answer.headers["Cache-Control"] = "no-store"
            return answer

        return counted  # type: ignore[return-value]  # mypy does not see that it is the same view

    return decorate
