"""Errors as problem details (RFC 9457)."""

from http import HTTPStatus
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from accounts.members import NotPossible

MEDIA_TYPE = "application/problem+json"


class Conflict(APIException):
    """It cannot be done as things are."""

    status_code = HTTPStatus.CONFLICT
    default_code = "conflict"


class KeyReused(APIException):
    """An ``Idempotency-Key`` came back with something else."""

    status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    default_code = "key_reused"
    default_detail = "This Idempotency-Key was used for another request. Nothing was done; use a new key."


class ProblemAnswer(serializers.Serializer[Any]):
    """What went wrong, whether anything was done, and what to do next."""

    type = serializers.CharField(help_text="Always about:blank: the status says what kind of problem it is.")
    title = serializers.CharField(help_text="The words that belong to the status.")
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What happened, for a person to read.")
    errors = serializers.DictField(  # type: ignore[assignment]  # a field, which REST framework takes out of the class
        required=False, help_text="By parameter or field: what is wrong with it.", child=serializers.JSONField()
    )


def problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """The answer to whatever a view raised; None where it was not foreseen."""
    error = Conflict(str(error)) if isinstance(error, NotPossible) else error
    answer = exception_handler(error, context)
    if answer is None:
        return None
    about = {
        "type": "about:blank",
        "title": HTTPStatus(answer.status_code).phrase,
        "status": answer.status_code,
        "detail": _detail(error, answer),
    }
    answer.data = about | ({"errors": _errors(error)} if isinstance(error, ValidationError) else {})
    answer.content_type = MEDIA_TYPE
    return answer


def _detail(error: Exception, answer: Response) -> str:
    if isinstance(error, ValidationError):
        return "Something in the request is not as it must be. Nothing was done."
    if answer.status_code == HTTPStatus.NOT_FOUND:
        return "There is nothing here that this token may see."
    return str(getattr(error, "detail", HTTPStatus(answer.status_code).phrase))


def _errors(error: ValidationError) -> dict[str, Any]:
    return error.detail if isinstance(error.detail, dict) else {"request": error.detail}
