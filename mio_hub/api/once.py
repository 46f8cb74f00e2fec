"""A write that is asked for twice is done once: the second time its first answer is given again.

The answer is written down in the transaction of what was done, so neither is there without the other; a lock of that
transaction tells when the first is still under way.
"""

import json
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_tokens import REMEMBERED
from accounts.models import ApiAnswer
from accounts.secrets import digest
from mio_hub.api.entering import token_of
from mio_hub.api.problems import Conflict, KeyReused

HEADER = "Idempotency-Key"
LONGEST = 255
"""Characters of a key: several times a UUID."""


@transaction.atomic
def once(request: Request, asked: dict[str, Any], act: Callable[[], Any]) -> Response:
    """The answer to a write. What it refused is not remembered: it may be possible the next time."""
    key = request.headers.get(HEADER, "")
    if not key:
        return Response(act())
    if len(key) > LONGEST:
        raise ValidationError({HEADER: [f"Use at most {LONGEST} characters."]})
    names: dict[str, Any] = {"token": token_of(request), "key": digest(key)}
    _hold(f"{token_of(request).pk}:{names['key']}")
    about = digest(f"{request.method} {request.path}\n{json.dumps(asked, sort_keys=True)}")
    known = ApiAnswer.objects.filter(made_at__gt=timezone.now() - REMEMBERED, **names).first()
    if known and known.asked != about:
        raise KeyReused
    if known:
        return Response(known.body, known.status)
    answer = Response(act())
    kept = {"asked": about, "status": answer.status_code, "body": answer.data}
    ApiAnswer.objects.update_or_create(defaults=kept, **names)
    return answer


def _hold(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"api {name}"])
        [is_ours] = cursor.fetchone() or [False]
    if not is_ours:
        raise Conflict("The first request with this Idempotency-Key is still under way. Ask again in a moment.")
