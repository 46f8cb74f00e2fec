"""The forms of a tenant's pages."""

from datetime import date
from functools import cache
from html import escape
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import DomainNameValidator, RegexValidator
from django.forms.renderers import BaseRenderer
from django.forms.utils import flatatt
from django.http import QueryDict
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from accounts.access import May, may
from accounts.adapters import has_second_factor
from accounts.members import assignable
from accounts.models import Membership, Tenant

CAN = {
    Membership.Role.OWNER: "Owner: everything, and who owns the organization",
    Membership.Role.ADMINISTRATOR: "Administrator: changes everything else",
    Membership.Role.AUDITOR: "Auditor: sees everything and changes nothing",
}

PRESETS = {
    Tenant.Preset.PUBLISHED: "As published: the permissions on the public list, and nothing else",
    Tenant.Preset.FULL: "Full fidelity: also those that let every edit, reaction, file and direct message cross",
}


class RoleForm(forms.Form):
    """Which role to give, of those that are the actor's to give."""

    role = forms.ChoiceField(widget=forms.RadioSelect)

    def __init__(self, actor: Membership, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = [(role.value, CAN[role]) for role in assignable(actor)]  # type: ignore[attr-defined]


class InvitationForm(RoleForm):
    email = forms.EmailField(label="E-mail address", max_length=254)
    field_order = ("email", "role")


class TenantForm(forms.ModelForm[Tenant]):
    """Settings of a tenant; whoever may not change them sees them greyed out."""

    def __init__(self, actor: Membership, data: QueryDict | None = None) -> None:
        super().__init__(data, instance=actor.tenant)
        self.actor = actor
        for field in self.fields.values():
            field.disabled = not may(actor, May.CHANGE)


@cache
def _time_zones() -> list[tuple[str, str]]:
    """Python reads six hundred files to find them."""
    return [(name, name.replace("_", " ")) for name in sorted(available_timezones())]


class LongSelect(forms.Select):
    """Draws its options itself: Django's draws two templates for each, 0.2 s of work for all time zones."""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: BaseRenderer | None = None
    ) -> SafeString:
        chosen = "" if value is None else str(value)
        options = "".join(
            f'<option value="{escape(str(key))}"{" selected" * (str(key) == chosen)}>{escape(str(label))}</option>'
            for key, label in self.choices
        )
        told = flatatt(self.build_attrs(self.attrs, {**(attrs or {}), "name": name}))
        return format_html("<select{}>{}</select>", told, mark_safe(options))  # noqa: S308 (escaped above)


class GeneralForm(TenantForm):
    time_zone = forms.ChoiceField(
        help_text="Times on these pages and in exports are told in it.",
        choices=_time_zones,
        widget=LongSelect,
    )
    command_name = forms.CharField(
        max_length=30,
        help_text="What people type to ask the app for something. Takes effect when your own app is registered under it.",
        validators=[RegexValidator(r"^[a-z][a-z0-9-]*\Z", "Use small letters, digits and hyphens, a letter first.")],
    )

    class Meta:
        model = Tenant
        fields = ("name", "time_zone", "shows_notices", "product_name", "command_name")
        labels = {"shows_notices": "Tell in a channel who joined or left it elsewhere"}
        help_texts = {
            "shows_notices": "Changing this turns it on or off in every channel that is linked now.",
            "product_name": "What these pages and our e-mails call the product.",
        }

    def clean_name(self) -> str:
        return _one_line(self.cleaned_data["name"])

    def clean_product_name(self) -> str:
        return _one_line(self.cleaned_data["product_name"])


def _one_line(text: str) -> str:
    return " ".join(text.split())


class SecurityForm(TenantForm):
    preset = forms.ChoiceField(
        label="Permissions we ask platforms for",
        help_text="Takes effect when a platform is next connected or authorised again.",
        choices=[(preset.value, text) for preset, text in PRESETS.items()],
        widget=forms.RadioSelect,
    )

    class Meta:
        model = Tenant
        fields = (
            "requires_two_factor", "people_may_share", "shares_files", "shares_files_of_guests", "shares_files_outside",
            "preset",
        )  # fmt: skip
        labels = {
            "requires_two_factor": "Require a second factor from everybody",
            "people_may_share": "People may share channels with other companies by asking the app",
            "shares_files": "Files of people with full accounts cross",
            "shares_files_of_guests": "Files of guest accounts cross",
            "shares_files_outside": "Files cross to other organizations",
        }
        help_texts = {
            "requires_two_factor": "Members without one are led to set it up before they see any of these pages.",
            "shares_files": "Off: the text crosses, and a line names each file that did not. Changing this turns it on or "
            "off in every channel that is linked now.",
            "people_may_share": "Off: only administrators do, here in the Hub.",
            "shares_files_outside": "Off: the other companies in universal channels read a line that names the file.",
        }

    def clean_requires_two_factor(self) -> bool:
        wanted: bool = self.cleaned_data["requires_two_factor"]
        if wanted and "requires_two_factor" in self.changed_data and not has_second_factor(self.actor.user):
            raise ValidationError(
                "Set up a second factor for your own account first: you would be locked out. Nothing was changed."
            )
        return wanted


class DomainForm(forms.Form):
    domain = forms.CharField(label="Domain", max_length=253)

    def clean_domain(self) -> str:
        """As it stands in e-mail addresses: small letters, ASCII."""
        text = self.cleaned_data["domain"].strip().lower().removeprefix("@").rstrip(".")
        DomainNameValidator(message="This is not a domain. Enter one such as example.com.")(text)
        try:
            return str(text.encode("idna").decode())
        except UnicodeError:
            raise ValidationError("This is not a domain. Enter one such as example.com.") from None


class AddressForm(forms.Form):
    email = forms.EmailField(label="E-mail address", max_length=254)

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"].lower())


class DeletionForm(forms.Form):
    """Asks for the name, so that nobody deletes a tenant by a slip."""

    name = forms.CharField(widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, tenant: Tenant, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tenant = tenant
        self.fields["name"].label = f"To go on, type the name: {tenant.name}"

    def clean_name(self) -> str:
        if _one_line(self.cleaned_data["name"]) != _one_line(self.tenant.name):
            raise ValidationError("This is not the name. Nothing was changed.")
        return self.tenant.name


class AuditFilter(forms.Form):
    """Which entries to show. ``person`` and ``action`` are as they stand in an entry."""

    person = forms.CharField(required=False, max_length=254, widget=forms.Select)
    action = forms.CharField(required=False, max_length=60, widget=forms.Select)
    since = forms.DateField(label="From", required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    until = forms.DateField(label="To", required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))

    def offer(self, people: list[str], actions: list[str]) -> None:
        """Fill the drop-downs."""
        for name, values in (("person", people), ("action", actions)):
            self.fields[name].widget.choices = [("", "All"), *((value, value) for value in values)]

    @property
    def period(self) -> tuple[date | None, date | None]:
        return self.cleaned_data.get("since"), self.cleaned_data.get("until")
