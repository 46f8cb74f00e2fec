"""Addresses below ``/sandbox/``."""

from django.urls import path

from mio_hub.sandbox import views

app_name = "sandbox"
urlpatterns = [
    path("", views.page, name="page"),
    path("stream/", views.stream, name="stream"),
    path("say/", views.say, name="say"),
    path("crossings/", views.crossing_times, name="crossings"),
]
