"""Addresses below ``/sandbox/``."""

from django.urls import path

from mio_hub.sandbox import views
from mio_hub.sandbox.deeds import DEEDS

app_name = "sandbox"
urlpatterns = [
    path("", views.page, name="page"),
    path("stream/", views.stream, name="stream"),
    path("picture/", views.picture, name="picture"),
    *(path(f"{deed}/", views.do, {"deed": deed}, name=deed) for deed in DEEDS),
    path("crossings/", views.crossing_times, name="crossings"),
]
