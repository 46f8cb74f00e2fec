"""The forms of universal channels."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import DomainNameValidator, EmailValidator

from accounts.access import May, may
from accounts.models import Membership
from relay.models import Participation


class NameForm(forms.Form):
    name = forms.CharField(max_length=200, label="Name", help_text="The companies you invite see it.")

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())


class FindForm(forms.Form):
    q = forms.CharField(max_length=200, required=False, label="Search your channels")


class CompanyForm(forms.Form):
    to = forms.CharField(
        max_length=254,
        label="E-mail address or domain",
        help_text="An address gets an e-mail. For a domain, such as globex.example, you get a link to pass on.",
    )

    def clean_to(self) -> str:
        to = str(self.cleaned_data["to"]).strip().lower().removeprefix("@")
        check: Any = EmailValidator() if "@" in to else DomainNameValidator()
        try:
            check(to)
        except ValidationError:
            raise ValidationError("Write an e-mail address, or a domain such as globex.example.") from None
        return to


class PolicyForm(forms.ModelForm[Participation]):
    """What a company allows in one universal channel; whoever may not change it sees it greyed out."""

    class Meta:
        model = Participation
        fields = ("sends_files", "takes_files", "allows_broadcast", "allows_more")
        labels = {
            "sends_files": "Our files go to the other companies",
            "takes_files": "Files of the other companies come in",
            "allows_broadcast": "A call to everybody (@channel, @everyone) made elsewhere calls everybody here",
            "allows_more": "Further companies may be invited while we take part",
        }

    def __init__(self, actor: Membership, part: Participation, data: Any = None) -> None:
        super().__init__(data, instance=part)
        for field in self.fields.values():
            field.disabled = not may(actor, May.CHANGE)
