"""How each platform answers a sign-in, and what makes its answer believable."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.microsoft.views import MicrosoftGraphOAuth2Adapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from allauth.socialaccount.providers.slack.views import SlackOAuth2Adapter
from allauth.socialaccount.providers.zoom.views import ZoomOAuth2Adapter
from django.http import HttpRequest

NEEDED = ["exp", "iat", "iss", "sub"]
"""Claims without which a token could be anybody's or of any time."""
SKEW = 300
"""Seconds by which a platform's clock and ours may differ (Teams reference §1.9)."""
MICROSOFT = "https://login.microsoftonline.com"
WEBEX = "https://webexapis.com/v1"
WEBEX_ISSUER = re.compile(r"https://idbroker(?:-[a-z0-9-]+)?\.webex\.com/idb")
"""Every cluster of Webex signs in its own name (Webex reference §1.3)."""


def proven(response: dict[str, Any], app: SocialApp, keys: str) -> dict[str, Any]:
    """The claims of the ID token in a token endpoint's answer. Raises ``OAuth2Error`` unless it was signed with one of the
    platform's ``keys``, for us and not long ago. Who issued it is for the caller to judge."""
    with get_adapter().get_requests_session() as session:
        answer = session.get(keys)
    try:
        token = str(response.get("id_token"))
        key = jwt.PyJWKSet.from_dict(answer.json())[jwt.get_unverified_header(token).get("kid", "")]
        claims: dict[str, Any] = jwt.decode(
            token, key, ["RS256"], {"require": NEEDED}, audience=app.client_id, leeway=SKEW
        )
    except jwt.PyJWTError as error:
        raise OAuth2Error(f"an ID token that does not hold: {type(error).__name__}") from None
    return claims


@contextmanager
def doubt() -> Iterator[None]:
    """allauth reads answers as if they were always what they should be: what breaks on one that is not, is the answer."""
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise OAuth2Error(f"an answer that cannot be read: {type(error).__name__}") from None


class Doubting:
    """Mixed into an adapter of allauth's, whose ``complete_login`` then is ``who``."""

    def parse_token(self, data: dict[str, Any]) -> SocialToken:
        with doubt():
            return super().parse_token(data)  # type: ignore[misc]

    def complete_login(self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any) -> SocialLogin:
        with doubt():
            return self.who(request, app, token, kwargs["response"])

    def who(self, request: HttpRequest, app: SocialApp, token: SocialToken, response: dict[str, Any]) -> SocialLogin:
        """Ask the platform whose ``token`` this is. ``response`` is what its token endpoint answered."""
        return super().complete_login(request, app, token, response=response)  # type: ignore[misc]


class SlackSignIn(Doubting, SlackOAuth2Adapter):  # type: ignore[misc]
    authorize_url = "https://slack.com/openid/connect/authorize"


class ZoomSignIn(Doubting, ZoomOAuth2Adapter):  # type: ignore[misc]
    basic_auth = True  # Zoom takes an app's secret from nowhere else (Zoom reference §1.1)


class MicrosoftSignIn(Doubting, MicrosoftGraphOAuth2Adapter):  # type: ignore[misc]
    def who(self, request: HttpRequest, app: SocialApp, token: SocialToken, response: dict[str, Any]) -> SocialLogin:
        """A person is an organization's ``tid`` and their ``oid`` in it: an address is whatever a foreign tenant wrote."""
        claims = proven(response, app, f"{MICROSOFT}/organizations/discovery/v2.0/keys")
        login = super().who(request, app, token, response)
        tenant, person = claims.get("tid"), claims.get("oid")
        if claims["iss"] != f"{MICROSOFT}/{tenant}/v2.0" or person != login.account.uid:
            raise OAuth2Error("an ID token of another organization or person")
        login.account.uid = f"{tenant}_{person}"
        login.nonce = claims.get("nonce")
        return login


class WebexSignIn(Doubting, OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    openid_config = {
        "authorization_endpoint": f"{WEBEX}/authorize",
        "token_endpoint": f"{WEBEX}/access_token",
        "userinfo_endpoint": f"{WEBEX}/userinfo",
    }
    """Written down instead of asked for: a sign-in begins without a call to Webex."""

    def __init__(self, request: HttpRequest, provider_id: str = "webex") -> None:
        super().__init__(request, provider_id)

    def who(self, request: HttpRequest, app: SocialApp, token: SocialToken, response: dict[str, Any]) -> SocialLogin:
        """The ID token says who, the user info is asked for the address and the name."""
        claims = proven(response, app, f"{WEBEX}/verification")
        person = self._fetch_user_info(token.token)
        if not WEBEX_ISSUER.fullmatch(claims["iss"]) or person.get("sub") != claims["sub"]:
            raise OAuth2Error("an ID token of another issuer or person")
        login = self.get_provider().sociallogin_from_response(request, person)
        login.nonce = claims.get("nonce")
        return login
