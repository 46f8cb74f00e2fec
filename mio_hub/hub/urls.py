"""Addresses below ``/t/<tenant>/``."""

from django.urls import path

from mio_hub.hub import home

app_name = "hub"
urlpatterns = [
    path("", home.page, name="home"),
]
