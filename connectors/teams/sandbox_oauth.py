"""What a browser sees of the fake Entra ID: sign-in with consent, and an administrator's approval (reference §1.3, §1.7)."""

from collections.abc import Callable, Mapping
from html import escape
from urllib.parse import parse_qsl, urlencode

from connectors.calls import Response
from connectors.contract import Request
from connectors.teams.oauth import ALL_REGISTERED
from connectors.teams.sandbox_entra import Asked, Entra, scopes_of
from connectors.teams.sandbox_permissions import PERMISSIONS
from connectors.teams.scopes import APP, SCOPES

SIGN_IN = {
    "openid": "Sign you in",
    "profile": "View your basic profile",
    "email": "View your e-mail address",
}
_WORDS = SIGN_IN | {scope.name: scope.description for scope in SCOPES}
_KNOWN = frozenset(SIGN_IN).union(
    (scope.name for scope in SCOPES if scope.token != APP), *(delegated for delegated, _ in PERMISSIONS.values())
)
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>
body {{ font: 15px "Segoe UI", sans-serif; background: #f2f2f2; color: #1b1b1b; margin: 0 }}
main {{ background: #fff; max-width: 27rem; margin: 3rem auto; padding: 2.75rem; box-shadow: 0 2px 6px #0003 }}
h1 {{ font-size: 1.5rem; font-weight: 600 }} select, button {{ font: inherit; padding: .4rem 1rem; margin: .3rem 0 }}
button[value=allow] {{ background: #0067b8; color: #fff; border: 0 }}
</style><main><p>Microsoft (sandbox)</p><h1>{title}</h1><form method="post">
<p><label>Signed in as <select name="person">{people}</select></label></p>
<p>This app would like to:</p><ul>{scopes}</ul>
<button name="decision" value="allow">Accept</button> <button name="decision" value="deny">Cancel</button>
</form></main></html>"""


class Front:
    """``approved`` is called once an administrator approved the app."""

    def __init__(self, entra: Entra, hub: str, approved: Callable[[], None]) -> None:
        self._entra, self._hub, self._approved = entra, hub, approved

    def handle(self, request: Request, segments: list[str], query: Mapping[str, str]) -> Response | None:
        """Answer a browser; None for what is none of its pages."""
        match segments:
            case [tenant, "oauth2", "v2.0", "authorize"] if self._entra.knows(tenant):
                return self._unusable(query) or self._wrong(query) or self._consent(request, query)
            case [tenant, "v2.0", "adminconsent"] if self._entra.knows(tenant):
                return self._unusable(query) or self._approval(request, query)
        return None

    def _unusable(self, query: Mapping[str, str]) -> Response | None:
        """Where the browser cannot be trusted to an address, it stays: with a page, and without an answer for the app."""
        if query.get("client_id") != self._entra.client_id:
            return _told("AADSTS700016: the application was not found in the directory")
        if not query.get("redirect_uri", "").startswith(f"{self._hub}/"):
            return _told("AADSTS50011: the redirect address is not one of the application's")
        return None

    def _wrong(self, query: Mapping[str, str]) -> Response | None:
        unknown = scopes_of(query.get("scope", "")) - _KNOWN
        if query.get("response_type") != "code":
            return _refused(query, "unsupported_response_type", "AADSTS700054: response_type is not enabled")
        if unknown or not query.get("scope"):
            named = ", ".join(sorted(unknown))
            return _refused(query, "invalid_client", f"AADSTS650053: scope '{named}' does not exist on the resource")
        if query.get("code_challenge") and query.get("code_challenge_method") != "S256":
            return _refused(query, "invalid_request", "AADSTS9002313: only S256 is taken")
        return None

    def _consent(self, request: Request, query: Mapping[str, str]) -> Response:
        asked = scopes_of(query["scope"])
        if request.method != "POST":
            return self._page("Permissions requested", sorted(asked), query)
        person, is_allowed = self._decided(request)
        if not is_allowed:
            return _refused(query, "access_denied", "AADSTS65004: User declined to consent to access the app.")
        if not person:
            return _refused(query, "login_required", "AADSTS50058: nobody is signed in")
        if self._entra.lacks_approval(person, asked):
            return _refused(query, "access_denied", "AADSTS90094: An administrator has to approve the app first.")
        nonce, challenge = query.get("nonce", ""), query.get("code_challenge", "")
        code = self._entra.code_for(Asked(person, asked, query["redirect_uri"], challenge, nonce))
        info = {"client_info": self._entra.client_info(person)} if query.get("client_info") else {}
        return _back(query, code=code, session_state=self._entra.tenant, **info)

    def _approval(self, request: Request, query: Mapping[str, str]) -> Response:
        if query.get("scope") != ALL_REGISTERED:
            return _refused(query, "invalid_scope", "AADSTS70011: the sandbox takes /.default only")
        if request.method != "POST":
            names = sorted(self._entra.registered_roles | self._entra.registered_scopes)
            return self._page("Permissions requested: review for your organization", names, query)
        person, is_allowed = self._decided(request)
        if not is_allowed:
            return _refused(query, "permission_denied", "AADSTS65004: The admin canceled the request.")
        if person not in self._entra.admins:
            return _refused(query, "access_denied", "AADSTS90094: This needs an administrator.")
        self._entra.approve()
        self._approved()
        return _back(query, admin_consent="True", tenant=self._entra.tenant, scope=ALL_REGISTERED)

    def _decided(self, request: Request) -> tuple[str, bool]:
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        return self._entra.person(form.get("person", "")), form.get("decision") == "allow"

    def _page(self, title: str, names: list[str], query: Mapping[str, str]) -> Response:
        people = "".join(
            f'<option value="{user}"{" selected" * (address == query.get("login_hint"))}>'
            f"{escape(name)} ({escape(address)})</option>"
            for user, name, address in self._entra.accounts()
        )
        scopes = "".join(f"<li>{escape(_WORDS.get(name, name))} <small>{escape(name)}</small></li>" for name in names)
        page = _PAGE.format(title=title, people=people, scopes=scopes)
        return Response(200, page.encode(), {"content-type": "text/html; charset=utf-8"})


def _told(text: str) -> Response:
    return Response(400, text.encode(), {"content-type": "text/plain; charset=utf-8"})


def _refused(query: Mapping[str, str], error: str, text: str) -> Response:
    return _back(query, error=error, error_description=text)


def _back(query: Mapping[str, str], **answer: str) -> Response:
    answer |= {"state": query["state"]} if "state" in query else {}
    return Response(302, b"", {"location": f"{query['redirect_uri']}?{urlencode(answer)}"})
