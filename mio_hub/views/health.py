"""What monitoring asks: is everything alive, and how much is it doing."""

from hmac import compare_digest

import structlog
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST
from redis import RedisError

from mio_hub import heartbeat
from mio_hub.metrics import exposition

log = structlog.get_logger(__name__)

OK, DOWN = "ok", "down"


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when every part shows a sign of life, else 503 with the part that does not."""
    parts = {"database": database(), **redis_and_processes()}
    status = OK if set(parts.values()) == {OK} else DOWN
    response = JsonResponse({"status": status, **parts}, status=200 if status == OK else 503)
    response.headers["Cache-Control"] = "no-store"
    return response


def database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        log.warning("database_down", error=type(error).__name__)
        return DOWN
    return OK


def redis_and_processes() -> dict[str, str]:
    """Worker and beat report through Redis, so without Redis nobody knows about them: down."""
    try:
        alive = heartbeat.alive()
    except RedisError as error:
        log.warning("redis_down", error=type(error).__name__)
        return {"redis": DOWN, **dict.fromkeys(heartbeat.ROLES, DOWN)}
    return {"redis": OK, **{role: OK if role in alive else DOWN for role in heartbeat.ROLES}}


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text form: the whole Hub's figures, and this web process's."""
    if not may_read_metrics(request):
        return HttpResponse("A bearer token is needed.\n", status=401, content_type="text/plain")
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)


def may_read_metrics(request: HttpRequest) -> bool:
    wanted = f"Bearer {settings.MIO_METRICS_TOKEN}"
    given = request.headers.get("Authorization", "")
    return not settings.MIO_METRICS_TOKEN or compare_digest(given.encode(), wanted.encode())
