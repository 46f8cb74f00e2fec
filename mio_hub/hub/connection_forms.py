"""The forms of Connect Platforms."""

from collections.abc import Mapping
from dataclasses import fields
from secrets import token_urlsafe
from typing import Any

from django import forms

import connectors
from accounts import oauth
from mio_hub.hub.forms import PRESETS

NEEDED = frozenset({"client_id", "client_secret"})
"""Fields of a registration without which nobody can consent to it."""


class StartForm(forms.Form):
    """How much to ask for."""

    preset = forms.ChoiceField(
        choices=[(preset.value, label) for preset, label in PRESETS.items()],
        widget=forms.RadioSelect,
        label="How much to ask for",
    )


class DisconnectForm(forms.Form):
    """A typed name, so that nobody ends a connection by a slip."""

    typed = forms.CharField(max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: Any, name: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name = name
        self.fields["typed"].label = f"Type “{name}” to confirm"

    def clean_typed(self) -> str:
        typed: str = self.cleaned_data["typed"]
        if typed.strip() != self.name:
            raise forms.ValidationError("That is not the name. Nothing was disconnected.")
        return typed


class OwnAppForm(forms.Form):
    """The fields of a platform's ``Registration`` and ``Secrets``. What is kept is never shown again."""

    def __init__(self, *args: Any, platform: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        registration, secrets = fields(oauth.platform(platform).Registration), fields(connectors.get(platform).Secrets)
        self.registration = [field.name for field in registration]
        told = [field for field in secrets if not field.metadata.get("ours")]
        self.secret = [field.name for field in told]
        self.ours = [field.name for field in secrets if field.metadata.get("ours")]
        for field in (*registration, *told):
            widget = forms.TextInput() if field.repr else forms.PasswordInput(attrs={"autocomplete": "off"})
            self.fields[field.name] = forms.CharField(
                max_length=500,
                widget=widget,
                label=field.name.replace("_", " ").capitalize().replace(" id", " ID"),
                required=field.name in NEEDED or field.name in self.secret,
            )

    def values(self, names: list[str]) -> dict[str, str]:
        return {name: self.cleaned_data[name].strip() for name in names}

    def made_up(self, known: Mapping[str, str]) -> dict[str, str]:
        """The secrets that are ours to make: those in use are kept, for standing orders are proven with them."""
        return {name: known.get(name) or token_urlsafe(32) for name in self.ours}
