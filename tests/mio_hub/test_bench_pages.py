"""The benchmark of the pages: what fills the Hub is what is said, and no page asks more where there is more."""

import pytest

from accounts.models import Tenant, User
from mio_hub.bench import company, population
from mio_hub.bench.pages import Page, pages, pages_table, queries
from mio_hub.bench.population import Size

FEW = Size(
    tenants=3,
    people=8,
    members=8,
    invitations=8,
    listed=8,
    entries=110,
    channels=8,
    subscriptions=4,
    teams=60,
    imports=2,
)
MORE = Size(
    tenants=6,
    people=80,
    members=40,
    invitations=40,
    listed=40,
    entries=400,
    channels=80,
    subscriptions=40,
    teams=600,
    imports=20,
)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_no_page_asks_the_database_more_when_there_is_more_in_it() -> None:
    few, more = queries_made(FEW), queries_made(MORE)
    assert len(few) > 20
    assert {name: (few[name], made) for name, made in more.items() if made > few[name]} == {}
    assert {name: made for name, made in few.items() if made > 28} == {}


def queries_made(size: Size) -> dict[str, int]:
    """By page; each was asked for before, so that what is found out once is known."""
    visitor = population.fill(size)
    try:
        return {name: queries(visitor, path) for name, path in pages(visitor)}
    finally:
        population.leave()


@pytest.mark.django_db(transaction=True)
def test_a_full_hub_has_half_of_everything_in_its_first_tenant_and_leaves_nothing() -> None:
    tenant = population.fill(FEW).tenant
    companies = Tenant.objects.filter(name__startswith="Company").order_by("pk")
    assert [(t.people.count(), t.audit.count(), t.conversations.count()) for t in companies] == [
        (5, 55, 7),
        (2, 28, 2),
        (2, 27, 2),
    ]
    assert min(each.accounts.count() for each in tenant.installations.all()) >= 5
    with pytest.raises(company.NotEmpty):
        population.fill(FEW)
    population.leave()
    assert not Tenant.objects.exists()
    assert not User.objects.exists()


def test_a_page_that_breaks_the_promise_is_named() -> None:
    quick, slow = (10.0, 20.0, 30.0), (90.0, 101.0, 120.0)
    shown = pages_table([Page("home", 200, 9, 5.0, 1.0, quick, slow), Page("audit", 200, 12, 5.0, 1.0, slow, slow)], 60)
    assert shown.splitlines()[-1].endswith("with one client: audit")
    assert shown.index("audit ") < shown.index("home ")
