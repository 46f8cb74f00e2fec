"""Pages of resources: which, from where on, how many, and what of each."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from scim2_models import Context, InvalidFilterException, ListResponse, NotFoundException, Resource, SearchRequest

from mio_hub.scim.entering import Endpoint, answer_with
from mio_hub.scim.filters import LONGEST, Conditions
from mio_hub.scim.resources import MOST

LATEST = 2**31 - 1
"""Where a page can begin at the latest; far beyond what anybody has."""


class Nowhere(Endpoint):
    """Every address that is none."""

    def get(self, request: HttpRequest, **_: Any) -> HttpResponse:
        raise NotFoundException(detail="There is nothing here.")

    post = put = patch = delete = get


def location(kind: str, key: object) -> str:
    """The address of a resource."""
    return f"{settings.MIO_BASE_URL}/scim/v2/{kind}/{key}"


def asked(request: HttpRequest, model: type[Resource[Any]]) -> SearchRequest[Any]:
    """What the query says: filter, page and attributes. Raises what ``Endpoint`` answers."""
    known = ("filter", "startIndex", "count", "attributes", "excludedAttributes")
    query = {name: request.GET[name] for name in known if request.GET.get(name)}
    search: Any = SearchRequest[model]  # type: ignore[valid-type]
    found: SearchRequest[Any] = search.model_validate(query, scim_ctx=Context.SEARCH_REQUEST)
    return found


def wants(search: SearchRequest[Any], attribute: str) -> bool:
    """Whether an attribute is to be in the answer."""
    only, without = ([str(each).lower().rpartition(":")[2] for each in names or ()] for names in _named(search))
    return attribute not in without and (not only or any(each.partition(".")[0] == attribute for each in only))


def _named(search: SearchRequest[Any]) -> tuple[Sequence[Any] | None, Sequence[Any] | None]:
    return search.attributes, search.excluded_attributes


def condition(search: SearchRequest[Any], columns: Mapping[str, str]) -> Q:
    """What its filter asks for; everything, where there is none."""
    if search.filter and len(search.filter) > LONGEST:
        raise InvalidFilterException(detail=f"A filter has at most {LONGEST} characters.")
    return Conditions(columns).visit(search.filter.ast) if search.filter else Q()


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of one kind, and how they are drawn."""

    rows: QuerySet[Any]
    drawn: Callable[[list[Any]], list[dict[str, Any]]]


def page(search: SearchRequest[Any], kinds: Iterable[Found], most: int = MOST) -> HttpResponse:
    """A page of what was found, kind after kind, each in the order in which it was made."""
    start = min(search.start_index or 1, LATEST)
    left = most if search.count is None else min(search.count, most)
    skip, total, shown = start - 1, 0, list[dict[str, Any]]()
    for kind in kinds:
        here = kind.rows.count()
        some = list(kind.rows.order_by("pk")[skip : skip + left]) if skip < here else []
        shown += kind.drawn(some)
        skip, left, total = max(skip - here, 0), left - len(some), total + here
    return listed(shown, total, start)


def listed(found: list[dict[str, Any]], total: int, start: int = 1) -> HttpResponse:
    """An answer with resources that are drawn already."""
    shell = {"schemas": [str(ListResponse.__schema__)], "totalResults": total, "itemsPerPage": len(found)}
    return answer_with(shell | {"startIndex": start, "Resources": found})
