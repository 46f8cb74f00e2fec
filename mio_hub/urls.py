"""Every address of the Hub, except `/webhooks/`, which `asgi` answers before Django."""

from django.contrib import admin
from django.urls import include, path

from mio_hub.views import health, logo, start

urlpatterns = [
    path("", start.page, name="start"),
    path("t/<slug:tenant>/", include("mio_hub.hub.urls")),
    path("account/", include("allauth.urls")),
    path("sandbox/", include("mio_hub.sandbox.urls")),
    path("fidelity/", include("mio_hub.fidelity.urls")),
    path("platforms/<slug:slug>.svg", logo.drawing, name="logo"),
    path("healthz", health.healthz, name="healthz"),
    path("metrics", health.metrics, name="metrics"),
    path("admin/", admin.site.urls),
]
