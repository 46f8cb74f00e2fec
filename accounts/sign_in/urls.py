"""Addresses below ``/account/``: allauth's own, and a way to each platform and back."""

from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from django.urls import include, path

from accounts.sign_in.platforms import MicrosoftSignIn, SlackSignIn, WebexSignIn, ZoomSignIn

ADAPTERS = {"slack": SlackSignIn, "microsoft": MicrosoftSignIn, "zoom": ZoomSignIn}

urlpatterns = [
    path("", include("allauth.account.urls")),
    path("2fa/", include("allauth.mfa.urls")),
    path("3rdparty/", include("allauth.socialaccount.urls")),
    path("sessions/", include("allauth.usersessions.urls")),
    path("oidc/<slug:provider_id>/login/", OAuth2LoginView.adapter_view(WebexSignIn), name="openid_connect_login"),
    path(
        "oidc/<slug:provider_id>/login/callback/",
        OAuth2CallbackView.adapter_view(WebexSignIn),
        name="openid_connect_callback",
    ),
]
for name, adapter in ADAPTERS.items():
    urlpatterns += [
        path(f"{name}/login/", OAuth2LoginView.adapter_view(adapter), name=f"{name}_login"),
        path(f"{name}/login/callback/", OAuth2CallbackView.adapter_view(adapter), name=f"{name}_callback"),
    ]
