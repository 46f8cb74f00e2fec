"""Addresses below ``/scim/v2/``, as RFC 7644 names them."""

from django.urls import path

from mio_hub.scim import discovery, groups, searching, users
from mio_hub.scim.listing import Nowhere

app_name = "scim"
urlpatterns = [
    path("ServiceProviderConfig", discovery.Config.as_view(), name="config"),
    path("ResourceTypes", discovery.ResourceTypes.as_view(), name="resource-types"),
    path("ResourceTypes/<str:name>", discovery.OneResourceType.as_view(), name="resource-type"),
    path("Schemas", discovery.Schemas.as_view(), name="schemas"),
    path("Schemas/<str:name>", discovery.OneSchema.as_view(), name="schema"),
    path("Users", users.Users.as_view(), name="users"),
    path("Users/<uuid:key>", users.OneUser.as_view(), name="user"),
    path("Groups", groups.Groups.as_view(), name="groups"),
    path("Groups/<uuid:key>", groups.OneGroup.as_view(), name="group"),
    path(".search", searching.Search.as_view(), name="search"),
    path("<path:anything>", Nowhere.as_view(), name="nowhere"),
]
