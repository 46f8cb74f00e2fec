"""The filter of the failures page."""

from urllib.parse import urlencode

from django import forms

import connectors
from relay.failures import Wanted, What


def _platforms() -> list[tuple[str, str]]:
    return [("", "All"), *((each.platform.slug, each.platform.label) for each in connectors.everyone())]


class FailureFilter(forms.Form):
    """Which failures to show; what was filled in wrongly filters nothing out, and the form says so."""

    what = forms.ChoiceField(label="Show", required=False, choices=What.choices)
    channel = forms.CharField(label="Channel contains", required=False, max_length=100)
    platform = forms.ChoiceField(label="To platform", required=False, choices=_platforms)
    reason = forms.CharField(required=False, max_length=500, widget=forms.Select)
    since = forms.DateField(label="From", required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    until = forms.DateField(label="To", required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))

    def offer(self, reasons: list[str]) -> None:
        """Fill the drop-down, with the reason that is asked for in any case."""
        chosen = self.data.get("reason", "")
        values = sorted({*reasons, chosen} - {""})
        self.fields["reason"].widget.choices = [("", "All"), *((value, value) for value in values)]

    @property
    def wanted(self) -> Wanted:
        """What was asked for, as ``relay.failures`` takes it."""
        self.is_valid()
        return {name: str(value) for name, value in self.cleaned_data.items() if value}

    def query(self, **more: object) -> str:
        """The same filter as the end of an address, with something different."""
        return urlencode({**self.wanted, **more})
