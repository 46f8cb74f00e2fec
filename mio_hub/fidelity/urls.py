"""Addresses below ``/fidelity/``."""

from django.urls import path

from mio_hub.fidelity import views

app_name = "fidelity"
urlpatterns = [
    path("", views.page, name="page"),
    path("preview/", views.preview, name="preview"),
]
