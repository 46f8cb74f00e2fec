"""The OpenAPI document, made from the views: what each takes, answers and needs."""

from functools import cache
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers

from mio_hub.api.once import HEADER, LONGEST
from mio_hub.api.problems import MEDIA_TYPE, ProblemAnswer
from mio_hub.api.views import Operation

REFUSALS = {
    400: "Something in the request is not as it must be. Nothing was done.",
    401: "There is no token, or it is expired or revoked.",
    403: "The token lacks the scope.",
    404: "There is no such thing that the token may see.",
    409: "It cannot be done as things are, or the first request with the same Idempotency-Key is still under way.",
    415: "The body is not JSON.",
    422: "The Idempotency-Key was used for another request.",
    429: "Too many requests in this minute: `Retry-After` says how many seconds to wait.",
}
"""By status, what it means."""

ONCE = OpenApiParameter(
    HEADER,
    {"type": "string", "maxLength": LONGEST},
    OpenApiParameter.HEADER,
    description="Any text of your own. The same request with the same key is done once: for a day it gets the same answer.",
)


class Schema(AutoSchema):
    """Reads the views of ``views``; see there what their attributes mean."""

    view: Operation  # type: ignore[override]  # all of ours are

    def get_operation_id(self) -> str:
        """The name of the view, as a name in code."""
        name = type(self.view).__name__
        return name[0].lower() + name[1:]

    def get_summary(self) -> str:
        return (type(self.view).__doc__ or "").partition(":")[0].rstrip(".")

    def get_description(self) -> str:  # type: ignore[override]  # as drf-spectacular overrides it
        said = " ".join((type(self.view).__doc__ or "").split())
        return f"{said} Needs the scope `{self.view.scope}`."

    def get_tags(self) -> list[str]:
        return [self.path.split("/")[3]]

    def is_excluded(self) -> bool:
        return self.view.scope is None

    def get_override_parameters(self) -> list[Any]:
        filters = getattr(self.view, "filters", None)
        return [filters] if filters else [ONCE] if self.method == "POST" else []

    def get_request_serializer(self) -> Any:
        return getattr(self.view, "asks", None)

    def get_response_serializers(self) -> Any:
        refusals = {401, 403, 429}
        refusals |= {404} if "{" in self.path else {400}
        refusals |= {400, 409, 422} if self.method == "POST" else set()
        refusals |= {415} if self.get_request_serializer() else set()
        said = {(code, MEDIA_TYPE): OpenApiResponse(ProblemAnswer, REFUSALS[code]) for code in sorted(refusals)}
        return {200: OpenApiResponse(self._answer(), "As asked."), **said}

    def _answer(self) -> Any:
        answer = self.view.answer
        if not hasattr(self.view, "filters"):
            return answer
        fields = {
            "items": answer(many=True),
            "next_cursor": serializers.CharField(allow_null=True, help_text="For `cursor`; null on the last page."),
            "next": serializers.CharField(allow_null=True, help_text="The address of the next page; null on the last."),
        }
        return inline_serializer(f"{type(self.view).__name__}Page", fields)


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """``Authorization: Bearer``; an operation names the scope."""

    target_class = "mio_hub.api.entering.BearerToken"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A token made in the Hub, under “API & webhooks”."}

    def get_security_requirement(self, auto_schema: AutoSchema) -> dict[str, list[str]]:
        view: Any = auto_schema.view
        return {self.name: [str(view.scope)]}


@cache
def document() -> dict[str, Any]:
    """The whole document. It is the same for everybody and as long as the process lives."""
    made: dict[str, Any] = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    return made
