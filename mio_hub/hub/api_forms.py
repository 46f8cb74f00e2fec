"""Forms of the page of tokens and webhooks."""

from django import forms

from accounts.api_tokens import LONGEST_DAYS
from accounts.models import Scope, WebhookEvent

DAYS = {30: "30 days", 90: "90 days", 180: "Half a year", LONGEST_DAYS: "A year"}


class TokenForm(forms.Form):
    """Whose token it is to be, what it may do, and for how long."""

    name = forms.CharField(max_length=100, help_text="The program that will use it, such as “Nightly report”.")
    scopes = forms.MultipleChoiceField(
        label="What it may do",
        choices=[(scope.value, f"{scope.label} ({scope.value})") for scope in Scope],
        widget=forms.CheckboxSelectMultiple,
        help_text="No more than it needs: whoever gets hold of the token can do all of this.",
        error_messages={"required": "Tick at least one: a token that may do nothing is of no use."},
    )
    days = forms.TypedChoiceField(
        label="Good for",
        choices=list(DAYS.items()),
        coerce=int,
        initial=90,
        help_text="Then it ends, and you make another.",
    )


class WebhookForm(forms.Form):
    """Which server to call, and for what."""

    url = forms.URLField(
        label="Address",
        max_length=2000,
        assume_scheme="https",
        help_text="It begins with https:// and can be reached from the internet, at the usual port.",
    )
    events = forms.MultipleChoiceField(
        label="Call it when",
        choices=[(event.value, f"{event.label} ({event.value})") for event in WebhookEvent],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Tick at least one: otherwise it would never be called."},
    )
