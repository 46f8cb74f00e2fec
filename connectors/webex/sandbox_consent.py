"""The consent page of the fake Webex, in Webex's look and without a script."""

from collections.abc import Iterable
from html import escape

from connectors.webex.sandbox_asked import Answer
from connectors.webex.sandbox_state import Member
from connectors.webex.scopes import DESCRIPTIONS

HEADERS = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store"}

STYLE = """
:root { color-scheme: light dark; --line: light-dark(#ddd, #444); }
body { font: 16px/1.5 Inter, system-ui, sans-serif; margin: 0; background: light-dark(#f7f7f7, #111); }
main { max-width: 26rem; margin: 10vh auto; padding: 2rem; border: 1px solid var(--line); border-radius: 16px;
  background: light-dark(#fff, #1a1a1a); }
h1 { font-size: 1.4rem; margin: 0 0 1rem; }
ul { padding-left: 1.2rem; }
select { font: inherit; width: 100%; padding: .5rem; margin: .25rem 0 1.5rem; }
button { font: inherit; padding: .5rem 1.5rem; border-radius: 99px; border: 1px solid var(--line); cursor: pointer; }
.allow { background: light-dark(#07757f, #5cd5e0); color: light-dark(#fff, #000); border: 0; }
"""


def consent_page(scopes: Iterable[str], people: Iterable[Member]) -> Answer:
    """Who allows what; its form goes to the page's own address, which holds all that was asked."""
    allowed = "".join(f"<li>{escape(DESCRIPTIONS[scope])}</li>" for scope in dict.fromkeys(scopes))
    choices = "".join(f'<option value="{one.id}">{escape(one.name)} ({escape(one.email)})</option>' for one in people)
    return _page(
        200,
        "Webex: an app asks for your permission",
        f"""<p>The app wants to:</p><ul>{allowed}</ul>
<form method="post"><label>You are <select name="person">{choices}</select></label>
<button class="allow" name="decision" value="allow">Accept</button>
<button name="decision" value="deny">Decline</button></form>""",
    )


def refusal_page(reason: str) -> Answer:
    """What a browser sees that cannot be sent back."""
    return _page(400, "Webex: this did not work", f"<p>{escape(reason)}</p>")


def _page(status: int, title: str, content: str) -> Answer:
    body = f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>
<body><main><h1>{title}</h1>{content}</main></body></html>"""
    return status, body.encode(), HEADERS
