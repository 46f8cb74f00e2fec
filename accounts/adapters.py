"""What allauth asks us: how it reaches platforms, whom it lets in, how it keeps secrets."""

from typing import Any

import requests
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from django.http import Http404, HttpRequest
from django.shortcuts import render

from accounts.oauth import guard
from accounts.secrets import seal, unseal


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def format_email_subject(self, subject: str) -> str:
        """Without the name of the host in brackets: the subject says already whom it is from."""
        return subject


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    def get_requests_session(self) -> requests.Session:
        return guard(requests.Session())

    def get_app(self, request: HttpRequest, provider: str, client_id: str | None = None) -> SocialApp:
        """The operator's app. A platform without one has no sign-in, and the page for it does not exist."""
        try:
            return super().get_app(request, provider, client_id)
        except SocialApp.DoesNotExist:
            raise Http404 from None

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        nonce = sociallogin.state.get("nonce")
        if getattr(sociallogin, "nonce", nonce) != nonce:
            raise ImmediateHttpResponse(render(request, "socialaccount/authentication_error.html", status=401))
        if not sociallogin.is_existing and sociallogin.state.get("process") != AuthProcess.CONNECT:
            refuse_to_take_over(request, sociallogin)


def refuse_to_take_over(request: HttpRequest, sociallogin: SocialLogin) -> None:
    """Somebody with this address is here already: they have to sign in as before and connect the platform themselves.

    Only said to whom the platform vouches for as the address's owner. Everybody else is told that an e-mail was sent, and
    that e-mail tells the owner the same: a stranger cannot ask us who has an account.
    """
    proven = [address.email for address in sociallogin.email_addresses if address.verified]
    for email in proven:
        if EmailAddress.objects.filter(email__iexact=email).exists():
            about = {"email": email, "platform": sociallogin.provider.name}
            raise ImmediateHttpResponse(render(request, "socialaccount/already_here.html", about, status=409))


class TwoFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets of authenticator apps and recovery codes are as valuable as tokens, and kept like them."""

    def encrypt(self, text: str) -> str:
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return str(unseal(encrypted_text))


def has_second_factor(user: Any) -> bool:
    """Whether somebody signs in with more than a password: an authenticator app or a passkey."""
    return bool(TwoFactorAdapter().is_mfa_enabled(user, ["totp", "webauthn"]))
