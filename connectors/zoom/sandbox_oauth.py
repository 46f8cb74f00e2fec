"""The fake Zoom's front door: its consent page, and where a browser goes from there (§1.1, §1.5)."""

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit

from connectors.calls import Response
from connectors.contract import Request
from connectors.html import escape
from connectors.zoom.sandbox_company import User, by_key
from connectors.zoom.sandbox_tokens import PERSONAL_SCOPES, Tokens
from connectors.zoom.scopes import SCOPES

_WORDS = {scope.name: scope.description for scope in SCOPES}

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} - Zoom</title><style>
body {{ margin: 0; background: #f7f9fa; color: #222230; font: 16px/1.5 "Lato", "Helvetica Neue", Arial, sans-serif }}
header {{ padding: 16px 24px; background: #fff; border-bottom: 1px solid #dfe3e8; color: #0b5cff; font-weight: 700 }}
main {{ max-width: 560px; margin: 32px auto; padding: 24px; background: #fff; border: 1px solid #dfe3e8;
border-radius: 12px }} select {{ width: 100%; padding: 10px; font: inherit; border-radius: 8px }}
button {{ margin: 24px 8px 0 0; padding: 10px 24px; font: inherit; border: 1px solid #0b5cff; border-radius: 8px;
background: #fff; color: #0b5cff }} button[value=allow] {{ background: #0b5cff; color: #fff }}
</style></head><body><header>zoom</header><main><h1>{title}</h1>{body}</main></body></html>"""


class Door:
    """Answers for ``zoom.us``. ``members_may_add`` lets ordinary members add the admin-managed app, as a role of an
    account may: by default they are sent to their administrator."""

    def __init__(self, hub: str, users: Callable[[], Sequence[User]], tokens: Tokens) -> None:
        self.hub = hub
        self.users = users
        self.tokens = tokens
        self.members_may_add = False

    def handle(self, request: Request) -> Response | None:
        """None for an address that is not of OAuth."""
        where = urlsplit(request.url)
        acts = {
            ("GET", "/oauth/authorize"): self._ask,
            ("POST", "/oauth/authorize"): self._decide,
            ("POST", "/oauth/token"): self.tokens.endpoint,
            ("POST", "/oauth/revoke"): self.tokens.revoke,
        }
        act = acts.get((request.method, where.path)) if where.netloc in ("zoom.us", "api.zoom.us") else None
        return act(request) if act else None

    def _ask(self, request: Request) -> Response:
        wrong = self._wrong(request.query)
        if wrong:
            return _page("Error", f"<p>{escape(wrong)}</p>", 400)
        scopes = PERSONAL_SCOPES if self.tokens.is_personal(request.query["client_id"]) else self.tokens.registered
        wishes = "".join(f"<li>{escape(_WORDS.get(name, name))}</li>" for name in sorted(scopes))
        people = "".join(f'<option value="{escape(one.id)}">{escape(_labelled(one))}</option>' for one in self.users())
        form = (
            f'<form method="post"><p><label for="person">You are signed in as</label></p><select id="person" name="person">'
            f"{people}</select><p>The app will be able to:</p><ul>{wishes}</ul>"
            '<button name="decision" value="allow">Allow</button><button name="decision" value="deny">Decline</button></form>'
        )
        return _page("You are about to add an app", form)

    def _wrong(self, asked: Mapping[str, str]) -> str:
        """What Zoom's error page says; empty where nothing is wrong."""
        personal = self.tokens.is_personal(asked.get("client_id", ""))
        if personal is None:
            return "Invalid client_id. (4,702)"
        if not asked.get("redirect_uri", "").startswith(f"{self.hub}/"):
            return "Invalid redirect url. (4,709)"
        if asked.get("response_type") != "code" or asked.get("code_challenge_method", "plain") not in ("S256", "plain"):
            return "Invalid request. (4,700)"
        unknown = set(asked.get("scope", "").split()) - (PERSONAL_SCOPES if personal else self.tokens.registered)
        return f"Invalid scope: {', '.join(sorted(unknown))}. (4,700)" if unknown else ""

    def _decide(self, request: Request) -> Response:
        asked, form = request.query, dict(parse_qsl(request.body.decode(errors="replace")))
        wrong = self._wrong(asked)
        user = by_key(self.users(), form.get("person", ""))
        if wrong or user is None:
            return _page("Error", f"<p>{escape(wrong or 'You are not signed in.')}</p>", 400)
        if form.get("decision") != "allow":
            return _back(asked, {"error": "access_denied"})
        personal = bool(self.tokens.is_personal(asked["client_id"]))
        if not (personal or self.members_may_add or user.role != "Member"):
            return _page("You cannot add this app", "<p>Ask an administrator of your account to add it.</p>", 403)
        return _back(asked, {"code": self.tokens.offer(user, personal, asked)})


def _labelled(user: User) -> str:
    return f"{user.name} ({user.email}), {user.role}"


def _page(title: str, body: str, status: int = 200) -> Response:
    page = _PAGE.format(title=escape(title), body=body)
    return Response(status, page.encode(), {"content-type": "text/html; charset=utf-8"})


def _back(asked: Mapping[str, str], told: Mapping[str, str]) -> Response:
    """To the address that the app named, with the state it gave; an app may have given none."""
    told = {**told, "state": asked["state"]} if "state" in asked else told
    mark = "&" if "?" in asked["redirect_uri"] else "?"
    return Response(302, b"", {"location": f"{asked['redirect_uri']}{mark}{urlencode(told)}"})
