"""How apps get tokens at the fake Slack: consent, codes and rotation (reference §1)."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace
from secrets import token_hex
from urllib.parse import parse_qsl, urlencode, urlsplit

from connectors.calls import Response
from connectors.consent import App
from connectors.contract import Request
from connectors.sandbox import COMPANY
from connectors.slack.sandbox_company import Workspace
from connectors.slack.sandbox_consent import (
    BOT_CATALOGUE,
    SIGN_IN,
    USER_CATALOGUE,
    consent_page,
    in_words,
    refusal_page,
)
from connectors.slack.sandbox_records import Caller, Complaint, Object
from connectors.slack.sandbox_sign_in import DISCOVERY, id_token, public_keys
from connectors.slack.sandbox_tokens import bot_caller, person_caller

CODE_SECONDS = 600.0
"""How long a code is good (§1.1)."""
TOKEN_SECONDS = 43_200
"""How long a rotating token is good (§1.3)."""

_JSON = {"content-type": "application/json; charset=utf-8"}


class Refusal(Exception):
    """A request for consent that Slack does not take."""


@dataclass(frozen=True, slots=True)
class Consent:
    """What somebody is asked for and, once ``person`` is known, has allowed. Scopes are of the bot and of the person."""

    redirect: str
    bot: frozenset[str]
    user: frozenset[str]
    state: str
    challenge: str
    nonce: str
    signs_in: bool
    person: str = ""
    until: float = 0.0


class Authority:
    """Slack's pages of consent and its token endpoints, for the one app that ``app`` tells.

    ``rotates`` and ``takes_pkce`` are settings of the app; an app with PKCE keeps no secret. ``withheld`` are scopes that
    whoever consents leaves out.
    """

    def __init__(self, workspace: Workspace, hub: str, app: Callable[[], App]) -> None:
        self.workspace = workspace
        self.hub = hub
        self.app = app
        self.rotates = True
        self.takes_pkce = False
        self.withheld: set[str] = set()
        self._codes: dict[str, Consent] = {}
        self._refreshing: dict[str, Caller] = {}

    def handle(self, request: Request) -> Response | None:
        """Answer what is about consent; None for all else."""
        address = urlsplit(request.url)
        if address.netloc != "slack.com":
            return None
        match address.path.replace("//", "/"):  # django-allauth has two strokes in one of its addresses
            case "/oauth/v2/authorize":
                return self._consent(request, signs_in=False)
            case "/openid/connect/authorize":
                return self._consent(request, signs_in=True)
            case "/api/oauth.v2.access":
                return self._answer(request, self._access)
            case "/api/openid.connect.token":
                return self._answer(request, self._sign_in)
            case "/openid/connect/keys":
                return Response(200, json.dumps(public_keys()).encode(), _JSON)
            case "/.well-known/openid-configuration":
                return Response(200, json.dumps(DISCOVERY).encode(), _JSON)
        return None

    # --- The page

    def _consent(self, request: Request, *, signs_in: bool) -> Response:
        try:
            asked = self._asked(request.query, signs_in=signs_in)
            if request.method != "POST":
                people = {user: self.workspace.name_of(user) for user in self.workspace.persons()}
                return consent_page(people, in_words("bot", sorted(asked.bot)) + in_words("person", sorted(asked.user)))
            return self._decided(asked, dict(parse_qsl(request.body.decode(errors="replace"))))
        except Refusal as refusal:
            return refusal_page(str(refusal))

    def _asked(self, query: Mapping[str, str], *, signs_in: bool) -> Consent:
        redirect, scope = query.get("redirect_uri", ""), query.get("scope", "")
        if query.get("client_id") != self.app().client_id:
            raise Refusal("Invalid client_id parameter")
        if not redirect.startswith(f"{self.hub}/"):
            raise Refusal(f"redirect_uri did not match any configured URIs. Passed URI: {redirect}")
        if signs_in:
            bot, user = frozenset[str](), _known(" ".join(scope.split(",")), " ", SIGN_IN)
        else:
            bot, user = _known(scope, ",", BOT_CATALOGUE), _known(query.get("user_scope", ""), ",", USER_CATALOGUE)
        if not bot | user or (signs_in and ("openid" not in user or query.get("response_type") != "code")):
            raise Refusal("Invalid permissions requested")
        state, challenge, nonce = (query.get(key, "") for key in ("state", "code_challenge", "nonce"))
        return Consent(redirect, bot, user, state, challenge, nonce, signs_in)

    def _decided(self, asked: Consent, form: Mapping[str, str]) -> Response:
        person = form.get("person", "")
        if person not in self.workspace.actors or form.get("decision") not in ("allow", "deny"):
            raise Refusal("You need to sign in to see this page")
        back = {"error": "access_denied"}
        if form["decision"] == "allow":
            back = {"code": f"{token_hex(6)}.{token_hex(6)}.{token_hex(32)}"}
            until = self.workspace.clock() + CODE_SECONDS
            bot, user = asked.bot - self.withheld, asked.user - self.withheld
            self._codes[back["code"]] = replace(asked, bot=bot, user=user, person=person, until=until)
        query = urlencode(back | ({"state": asked.state} if asked.state else {}))
        return Response(302, b"", {"location": f"{asked.redirect}{'&' if '?' in asked.redirect else '?'}{query}"})

    # --- Tokens

    def _answer(self, request: Request, endpoint: Callable[[Object], Object]) -> Response:
        """With status 200, whatever happened; our app proves itself in a header or in the form (§1.2)."""
        form: Object = dict(parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True))
        try:
            self._prove_app(form | _basic(request.headers.get("authorization", "")))
            answer = {"ok": True} | endpoint(form)
        except Complaint as complaint:
            answer = complaint.answer
        return Response(200, json.dumps(answer).encode(), _JSON)

    def _prove_app(self, given: Object) -> None:
        app, secret = self.app(), given.get("client_secret")
        if given.get("client_id") != app.client_id:
            raise Complaint("invalid_client_id")
        if self.takes_pkce and secret and given.get("code_verifier"):
            raise Complaint("internal_error")  # what is seen when an app that keeps no secret sends one
        if secret != app.client_secret and not (self.takes_pkce and not secret):
            raise Complaint("bad_client_secret")

    def _redeemed(self, form: Object, *, signs_in: bool) -> Consent:
        """What a code stands for: once, soon, and for who asked for it."""
        found = self._codes.pop(str(form.get("code")), None)
        if found is None or found.until <= self.workspace.clock() or found.signs_in != signs_in:
            raise Complaint("invalid_code")
        if form.get("redirect_uri") != found.redirect:
            raise Complaint("bad_redirect_uri")
        verifier = form.get("code_verifier")
        if verifier and not self.takes_pkce:
            raise Complaint("pkce_not_allowed")
        if self.takes_pkce and found.challenge != (_challenge(verifier) if verifier else ""):
            raise Complaint("invalid_code_verifier")
        return found

    def _access(self, form: Object) -> Object:
        match form.get("grant_type", "authorization_code"):
            case "authorization_code":
                return self._installed(self._redeemed(form, signs_in=False))
            case "refresh_token":
                return self._refreshed(str(form.get("refresh_token")))
        raise Complaint("invalid_grant_type")

    def _installed(self, consent: Consent) -> Object:
        ours = self.workspace
        person: Object = {"id": consent.person}
        if consent.user:
            person |= self._issued(person_caller(ours, consent.person, consent.user))
        answer = self._about() | {"authed_user": person, "enterprise": None, "is_enterprise_install": False}
        if consent.bot:
            ours.installed = True
            answer |= self._issued(bot_caller(ours, consent.bot)) | {"bot_user_id": ours.bot_user}
        return answer

    def consent(self, person: str, scopes: Set[str]) -> str:
        """The token that our app gets when somebody allows it this for themselves."""
        return str(self._issued(person_caller(self.workspace, person, scopes - self.withheld))["access_token"])

    def _refreshed(self, token: str) -> Object:
        caller = self._refreshing.pop(token, None)
        if caller is None or caller.ended:
            raise Complaint("invalid_refresh_token")
        whose = {"bot_user_id": caller.user} if caller.is_bot else {"user_id": caller.user}
        return self._about() | self._issued(replace(caller)) | whose

    def _about(self) -> Object:
        return {"app_id": self.workspace.app_id, "team": {"id": self.workspace.team, "name": COMPANY}}

    def _issued(self, caller: Caller) -> Object:
        """A new token for a caller; the one before it lives to its end."""
        kind = "xoxb" if caller.is_bot else "xoxp"
        access = f"xoxe.{kind}-1-{token_hex(40)}" if self.rotates else f"{kind}-{token_hex(24)}"
        self.workspace.callers[access] = caller
        scope = ",".join(sorted(caller.scopes))
        told: Object = {"access_token": access, "token_type": "bot" if caller.is_bot else "user", "scope": scope}
        if not self.rotates:
            return told
        caller.until = self.workspace.clock() + TOKEN_SECONDS
        refresh = f"xoxe-1-{token_hex(40)}"
        self._refreshing[refresh] = caller
        return told | {"refresh_token": refresh, "expires_in": TOKEN_SECONDS}

    def _sign_in(self, form: Object) -> Object:
        consent = self._redeemed(form, signs_in=True)
        caller = person_caller(self.workspace, consent.person, consent.user)
        told = self._issued(caller)
        proof = id_token(self.workspace, caller, self.app().client_id, consent.nonce, told["access_token"])
        del told["scope"]
        return told | {"token_type": "Bearer", "id_token": proof}


def _known(scopes: str, separator: str, catalogue: Mapping[str, str] | frozenset[str]) -> frozenset[str]:
    names = frozenset(filter(None, scopes.split(separator)))
    if not names <= set(catalogue):
        raise Refusal("Invalid permissions requested")
    return names


def _basic(header: str) -> Object:
    kind, _, given = header.partition(" ")
    if kind.lower() != "basic":
        return {}
    try:
        client, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
    except ValueError:
        raise Complaint("invalid_client_id") from None
    return {"client_id": client, "client_secret": secret}


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
