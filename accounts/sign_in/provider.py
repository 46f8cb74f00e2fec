"""The platforms whose accounts open the Hub: what is asked of them, and what of their answers is believed and kept."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.microsoft.provider import MicrosoftGraphProvider
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.slack.provider import SlackProvider
from allauth.socialaccount.providers.zoom.provider import ZoomProvider
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.crypto import get_random_string

from accounts.oauth import reachable
from accounts.sign_in.platforms import MicrosoftSignIn, SlackSignIn, WebexSignIn, ZoomSignIn

NONCE_LENGTH = 32
"""Characters of 62 kinds: 190 bits, so that no ID token made for another sign-in fits this one."""
YES = (True, "true")
"""How platforms say that an address is proven; Webex says it as a text (its reference §1.3), and so does its "false"."""


class Platform:
    """What all of them share. Mixed into a provider of allauth's."""

    def get_scope_from_request(self, request: HttpRequest) -> list[str]:
        """What the operator's settings say: an address must not be able to ask for more."""
        return list(self.get_scope())  # type: ignore[attr-defined]

    def get_auth_params_from_request(self, request: HttpRequest, action: str) -> dict[str, str]:
        return dict(self.get_auth_params())  # type: ignore[attr-defined]

    def redirect(
        self, request: HttpRequest, process: str, next_url: str | None = None, data: Any = None, **kwargs: Any
    ) -> HttpResponse:
        """Send the browser to the platform, with a nonce that its ID token has to repeat; in the sandbox, to the fake.

        By a page that forwards: our policy lets a form lead to our own address only, and browsers count redirects in.
        """
        nonce = get_random_string(NONCE_LENGTH)
        kwargs["auth_params"] = {**(kwargs.get("auth_params") or {}), "nonce": nonce}
        answer: HttpResponse = super().redirect(request, process, next_url, data, nonce=nonce, **kwargs)  # type: ignore[misc]
        if not isinstance(answer, HttpResponseRedirect):
            return answer
        return render(request, "leaving.html", {"address": reachable(answer.url), "platform": self.name})  # type: ignore[attr-defined]

    def extract_email_addresses(self, data: Any) -> list[EmailAddress]:
        found: list[EmailAddress] = super().extract_email_addresses(data)  # type: ignore[misc]
        for address in found:
            address.verified = address.verified in YES
        return found

    def sociallogin_from_response(self, request: HttpRequest, response: Any) -> SocialLogin:
        """Of all that a platform tells of a person, only what its line under "Connected accounts" shows is kept."""
        login: SocialLogin = super().sociallogin_from_response(request, response)  # type: ignore[misc]
        login.account.extra_data = {"name": login.user.get_full_name(), "email": login.user.email}
        return login


class Slack(Platform, SlackProvider):  # type: ignore[misc]
    oauth2_adapter_class = SlackSignIn

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        """allauth reads the fields of Slack's former sign-in."""
        names = {"first_name": data.get("given_name"), "last_name": data.get("family_name")}
        return names | {"name": data.get("name"), "email": data.get("email")}


class Microsoft(Platform, MicrosoftGraphProvider):  # type: ignore[misc]
    oauth2_adapter_class = MicrosoftSignIn


class Webex(Platform, OpenIDConnectProvider):  # type: ignore[misc]
    oauth2_adapter_class = WebexSignIn


class Zoom(Platform, ZoomProvider):  # type: ignore[misc]
    oauth2_adapter_class = ZoomSignIn


provider_classes = [Webex, Slack, Microsoft, Zoom]
