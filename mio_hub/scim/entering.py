"""What a request passes before anything else, and how whatever went wrong is answered."""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views import View
from pydantic import ValidationError
from scim2_models import (
    Context,
    Error,
    ForbiddenException,
    InvalidSyntaxException,
    InvalidValueException,
    NotFoundException,
    PayloadTooLargeException,
    SCIMException,
    UnauthorizedException,
    UniquenessException,
)

from accounts import access, api_tokens, scim
from accounts.members import NotPossible
from accounts.models import ApiToken, Scope, Tenant
from mio_hub.limits import Limit
from mio_hub.scim.resources import BEARABLE, MOST_BYTES

MEDIA_TYPE = "application/scim+json"

OFTEN = Limit("scim", 3000)
"""Requests of one token in a minute: twice what Entra wants to be able to send (25 a second)."""

REFUSED: dict[type[NotPossible], type[SCIMException]] = {
    scim.Taken: UniquenessException,
    scim.Unknown: NotFoundException,
    NotPossible: InvalidValueException,
}
"""By what a story says, what SCIM calls it."""


class TooOften(SCIMException):
    """More than ``OFTEN``; ``wait`` is in seconds."""

    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, wait: int) -> None:
        super().__init__(detail=f"Nothing was done: wait {wait} seconds, then try again.")
        self.wait = wait


class Endpoint(View):
    """One address of SCIM. Below, ``self.tenant`` is whose token was shown; nothing of any other tenant exists."""

    tenant: Tenant

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            self.tenant = _enter(request).tenant
            with BEARABLE:
                answer: Any = super().dispatch(request, *args, **kwargs)
            return answer if isinstance(answer, HttpResponse) else HttpResponse(status=500)
        except (SCIMException, ValidationError, NotPossible, RecursionError) as error:
            return _refusal(error)

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        allowed = super().http_method_not_allowed(request, *args, **kwargs)
        problem = Error(status=HTTPStatus.METHOD_NOT_ALLOWED, detail="This cannot be done here. Nothing was done.")
        return answer_with(problem.model_dump(), HTTPStatus.METHOD_NOT_ALLOWED, dict(allowed.items()))


def _enter(request: HttpRequest) -> ApiToken:
    token = access.bearer(request.headers.get("Authorization", ""))
    if token is None:
        raise UnauthorizedException(detail="Show a token that is neither expired nor revoked. Nothing was done.")
    if not access.token_may(token, Scope.SCIM):
        raise ForbiddenException(detail="The token lacks the scope “scim”. Nothing was done.")
    if wait := OFTEN.wait_of(str(token.pk)):
        raise TooOften(wait)
    api_tokens.note_use(token)
    request.user = token  # type: ignore[assignment]  # as whom it is written down
    return token


def _refusal(error: Exception) -> HttpResponse:
    problem, headers = _problem(error), {}
    if problem.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="Mio Hub"'
    if isinstance(error, TooOften):
        headers["Retry-After"] = str(error.wait)
    return answer_with(problem.model_dump(), problem.status or HTTPStatus.BAD_REQUEST, headers)


def _problem(error: Exception) -> Error:
    match error:
        case SCIMException():
            return error.to_error()
        case ValidationError():
            return Error.from_validation_errors(error)[0]
        case NotPossible():
            kind = next(made for story, made in REFUSED.items() if isinstance(error, story))
            return kind(detail=str(error)).to_error()
        case _:
            return InvalidSyntaxException(detail="This is nested too deep. Nothing was done.").to_error()


def answer_with(body: Any, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """An answer in SCIM's media type, which nobody keeps."""
    answer = HttpResponse(json.dumps(body), MEDIA_TYPE, status)
    for name, value in {**(headers or {}), "Content-Type": MEDIA_TYPE, "Cache-Control": "no-store"}.items():
        answer.headers[name] = value
    return answer


def read(request: HttpRequest, model: Callable[..., Any], context: Context) -> Any:
    """The body, checked against what it is to be. Raises what ``Endpoint`` answers."""
    body = request.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise PayloadTooLargeException(detail=f"Send at most {MOST_BYTES} bytes. Nothing was done.")
    try:
        told = json.loads(body)
    except ValueError:
        raise InvalidSyntaxException(detail="The body is not JSON. Nothing was done.") from None
    return model.model_validate(told, scim_ctx=context)  # type: ignore[attr-defined]
