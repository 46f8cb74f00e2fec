"""A tenant's first page."""

from tests.people import People


def test_a_member_sees_the_tenants_page_and_where_else_to_go(people: People) -> None:
    page = people.browser(people.carla).get(f"/t/{people.acme.key}/", secure=True)
    assert page.status_code == 200
    assert "Acme" in page.content.decode()


def test_an_outsider_learns_not_even_that_the_tenant_exists(people: People) -> None:
    browser = people.browser(people.dev)
    assert browser.get(f"/t/{people.acme.key}/", secure=True).status_code == 404
    assert browser.get("/t/nobody/", secure=True).status_code == 404
