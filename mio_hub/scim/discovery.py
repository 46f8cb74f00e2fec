"""What the service can do, told to whoever has a token."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from scim2_models import Context, ForbiddenException, Meta, NotFoundException, Resource

from mio_hub.scim.entering import Endpoint, answer_with
from mio_hub.scim.listing import listed, location
from mio_hub.scim.resources import CONFIG, PROVIDER


def _drawn(resource: Resource[Any], kind: str, name: str) -> dict[str, Any]:
    where = location(kind, name) if name else location(kind, "").rstrip("/")
    shown = resource.model_copy(update={"meta": Meta(resource_type=type(resource).__name__, location=where)})
    drawn: dict[str, Any] = shown.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    return drawn


class Config(Endpoint):
    def get(self, request: HttpRequest) -> HttpResponse:
        return answer_with(_drawn(CONFIG, "ServiceProviderConfig", ""))


class ResourceTypes(Endpoint):
    """Everything of one kind. It cannot be filtered (RFC 7644, 4)."""

    kind = "ResourceTypes"
    described: tuple[Resource[Any], ...] = PROVIDER.resource_types

    def get(self, request: HttpRequest) -> HttpResponse:
        if "filter" in request.GET:
            raise ForbiddenException(detail="This list cannot be filtered.")
        return listed([_drawn(each, self.kind, str(each.id)) for each in self.described], len(self.described))


class OneResourceType(Endpoint):
    """One of them, by its id."""

    kind = ResourceTypes.kind
    described = ResourceTypes.described

    def get(self, request: HttpRequest, name: str) -> HttpResponse:
        found = next((each for each in self.described if str(each.id) == name), None)
        if found is None:
            raise NotFoundException(detail="There is nothing of that name.")
        return answer_with(_drawn(found, self.kind, name))


class Schemas(ResourceTypes):
    kind, described = "Schemas", PROVIDER.schemas


class OneSchema(OneResourceType):
    kind, described = Schemas.kind, Schemas.described
