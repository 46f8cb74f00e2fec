"""The forms of Connect Platforms."""

from dataclasses import fields
from typing import Any

from django import forms

import connectors
from accounts import oauth
from connectors.consent import Preset

PRESETS = {
    Preset.PUBLISHED: "As published: what relaying messages needs",
    Preset.FULL: "Full fidelity: also what keeps names, faces and files exactly as they were",
}


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
        self.registration = [field.name for field in fields(oauth.platform(platform).Registration)]
        self.secret = [field.name for field in fields(connectors.get(platform).Secrets)]
        for name in (*self.registration, *self.secret):
            hidden = name not in ("client_id", "robot_jid")
            widget = forms.PasswordInput(attrs={"autocomplete": "off"}) if hidden else forms.TextInput()
            self.fields[name] = forms.CharField(
                max_length=500, widget=widget, label=name.replace("_", " ").capitalize()
            )

    def values(self, names: list[str]) -> dict[str, str]:
        return {name: self.cleaned_data[name].strip() for name in names}
