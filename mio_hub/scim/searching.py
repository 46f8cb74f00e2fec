"""``/.search``: users and groups together, asked for by a body, which no log of addresses keeps (RFC 7644, 3.4.3)."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from scim2_models import Context, InvalidFilterException, SearchRequest

from mio_hub.scim import groups, users
from mio_hub.scim.entering import Endpoint, read
from mio_hub.scim.listing import Found, page
from mio_hub.scim.resources import Group, User


class Search(Endpoint):
    def post(self, request: HttpRequest) -> HttpResponse:
        search = read(request, SearchRequest[User | Group], Context.SEARCH_REQUEST)
        kinds, problems = list[Found](), list[InvalidFilterException]()
        finders: list[Callable[..., Found]] = [users.found, groups.found]
        for each in finders:
            try:
                kinds.append(each(self.tenant, search))
            except InvalidFilterException as problem:  # of what has no such attribute nothing is found
                problems.append(problem)
        if not kinds:
            raise problems[0]
        return page(search, kinds, groups.most(search))
