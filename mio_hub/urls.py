"""Every address of the Hub, except `/webhooks/`, which `asgi` answers before Django."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

from mio_hub.hub import connections
from mio_hub.views import arriving, channel_invitation, consent, health, invitation, logo, public, start

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # one door, throttled, with 2FA

urlpatterns = [
    path("", start.page, name="start"),
    path("t/<slug:tenant>/", include("mio_hub.hub.urls")),
    path("api/v1/", include("mio_hub.api.urls")),
    path("scim/v2/", include("mio_hub.scim.urls")),
    path("connect/<slug:platform>/callback/", connections.callback, name="connect-callback"),
    path("invitations/", invitation.page, name="invitation"),
    path("invitations/<str:token>/", invitation.link, name="invitation_link"),
    path("consent/", consent.page, name="consent"),
    path("consent/<str:token>/", consent.link, name="consent_link"),
    path("shared/", channel_invitation.page, name="channel_invitation"),
    path("shared/<str:token>/", channel_invitation.link, name="channel_invitation_link"),
    path("scopes/", public.scopes, name="scopes"),
    path("scopes/<slug:platform>/", public.scopes, name="scopes-of"),
    path("security/", public.security, name="security"),
    path("account/", include("accounts.sign_in.urls")),
    path("home/", arriving.home, name="home"),
    path("welcome/", arriving.welcome, name="welcome"),
    path("success/<slug:tenant>/", arriving.success, name="success"),
    path("second-factor/<slug:tenant>/", arriving.second_factor, name="second_factor"),
    path("sandbox/", include("mio_hub.sandbox.urls")),
    path("fidelity/", include("mio_hub.fidelity.urls")),
    path("platforms/<slug:slug>.svg", logo.drawing, name="logo"),
    path("healthz", health.healthz, name="healthz"),
    path("metrics", health.metrics, name="metrics"),
    path("admin/", admin.site.urls),
]
