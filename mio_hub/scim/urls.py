"""Addresses below ``/scim/v2/``, as RFC 7644 names them."""

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.urls import path
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt


def at(address: str, view: str, name: str) -> Any:
    """A path whose view is read with its first request: making SCIM's models takes a second, which most processes spare."""

    @csrf_exempt  # who shows a token shows it by intent: no cookie counts here
    def answer(request: HttpRequest, **named: Any) -> HttpResponseBase:
        found: HttpResponseBase = import_string(f"mio_hub.scim.{view}").as_view()(request, **named)
        return found

    return path(address, answer, name=name)


app_name = "scim"
urlpatterns = [
    at("ServiceProviderConfig", "discovery.Config", "config"),
    at("ResourceTypes", "discovery.ResourceTypes", "resource-types"),
    at("ResourceTypes/<str:name>", "discovery.OneResourceType", "resource-type"),
    at("Schemas", "discovery.Schemas", "schemas"),
    at("Schemas/<str:name>", "discovery.OneSchema", "schema"),
    at("Users", "users.Users", "users"),
    at("Users/<uuid:key>", "users.OneUser", "user"),
    at("Groups", "groups.Groups", "groups"),
    at("Groups/<uuid:key>", "groups.OneGroup", "group"),
    at(".search", "searching.Search", "search"),
    at("<path:anything>", "listing.Nowhere", "nowhere"),
]
