"""The forms of User Sync."""

from typing import Any, ClassVar

from django import forms

from accounts.models import AccountPolicy, AccountRule, Person, Tenant, UserSync
from accounts.people_filter import STATES, Wanted, groups
from mio_hub.hub.forms import LongSelect
from mio_hub.hub.people_file import MOST_BYTES

EXCEPTIONS = [(rule.value, rule.label) for rule in AccountRule if rule != AccountRule.EITHER]


class PeopleFilter(forms.Form):
    """Whom to show."""

    text = forms.CharField(
        label="Name or e-mail", required=False, max_length=100, widget=forms.TextInput({"type": "search"})
    )
    platform = forms.TypedChoiceField(required=False, coerce=int, empty_value=None, widget=LongSelect)
    state = forms.ChoiceField(label="Status", required=False, choices=STATES, widget=LongSelect)
    kind = forms.ChoiceField(required=False, choices=[("", "All"), *UserSync.Kind.choices], widget=LongSelect)
    group = forms.ChoiceField(label="Team or group", required=False, widget=LongSelect)

    def __init__(self, tenant: Tenant, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if known := groups(tenant):
            self.fields["group"].choices = [("", "All"), *known.items()]  # type: ignore[attr-defined]
        else:
            del self.fields["group"]
        self.fields["platform"].choices = [("", "All"), *((place.pk, str(place)) for place in tenant.places)]  # type: ignore[attr-defined]

    @property
    def wanted(self) -> Wanted:
        """What was filled in wrongly filters nothing out; the form says so."""
        self.is_valid()
        return Wanted(**{name: value for name, value in self.cleaned_data.items() if value})


class BulkForm(forms.Form):
    """What to do to whom, where. ``everybody``: all who match the filter that the form carries along."""

    deed = forms.ChoiceField(label="Do", choices=[("sync", "Sync"), ("unsync", "Unsync")])
    on = forms.TypedMultipleChoiceField(label="On", coerce=int, widget=forms.CheckboxSelectMultiple)
    everybody = forms.BooleanField(label="Everybody who matches the filter, on all pages", required=False)

    def __init__(self, tenant: Tenant, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["on"].choices = [(place.pk, str(place)) for place in tenant.places]  # type: ignore[attr-defined]


class FileForm(forms.Form):
    file = forms.FileField(
        label="CSV file",
        help_text="Columns: email, primary, sync. A platform is named as in the export; several are apart by semicolons.",
    )

    def clean_file(self) -> Any:
        given = self.cleaned_data["file"]
        if given.size > MOST_BYTES:
            raise forms.ValidationError("The file is too large: it may have 10 MB. Nothing was read.")
        return given


class RuleForm(forms.ModelForm[Tenant]):
    class Meta:
        model = Tenant
        fields = (
            "account_rule",
            "deletes_stand_ins",
            "guest_message",
            "guests_speak",
            "prompts_unsynced",
            "amends_full_accounts",
        )
        widgets: ClassVar = {"guest_message": forms.Textarea({"rows": 3, "maxlength": 1000})}
        labels = {
            "account_rule": "People are represented by",
            "deletes_stand_ins": "Delete an account that we made when its person is unsynced",
            "guest_message": "Message to people who get a guest account",
            "guests_speak": "People may speak as their guest account, if Microsoft lets them",
            "prompts_unsynced": "Who writes to somebody on another platform may sync themselves",
            "amends_full_accounts": "Edits and deletes cross into people's full accounts on Microsoft Teams",
        }
        help_texts = {
            "deletes_stand_ins": "Accounts that we did not make are never deleted.",
            "guest_message": "Microsoft mails it as an invitation when we make the account. Empty: nobody is written to, and "
            "nobody has to do anything.",
            "guests_speak": "They are asked once for their guest's permission, and sign in with it. Off, and until then: the "
            "service user speaks for them, with their name. Try it with one person first: Microsoft promises nothing.",
            "prompts_unsynced": "People who are not synced, and who write to somebody on another platform or are written to, "
            "get a message with a button; who agrees is synced. Off: only administrators decide who is synced.",
            "amends_full_accounts": "Off: a message that was shown under somebody's own name there stays as it was first "
            "written, also after its author edits or deletes it. It holds at once.",
        }


class ExceptionForm(forms.ModelForm[AccountPolicy]):
    by = forms.ChoiceField(label="For", choices=AccountPolicy.By.choices)
    rule = forms.ChoiceField(choices=EXCEPTIONS)

    class Meta:
        model = AccountPolicy
        fields = ("by", "value", "rule")
        labels = {"value": "Domain or name"}


class AssignForm(forms.Form):
    email = forms.EmailField(label="E-mail address of the person")

    def __init__(self, tenant: Tenant, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._tenant = tenant

    def clean_email(self) -> Person:
        email = self.cleaned_data["email"]
        person = Person.objects.filter(tenant=self._tenant, email__iexact=email).first()
        if person is None:
            raise forms.ValidationError("Nobody with this address is known. Import their platform first.")
        return person


class RemovalForm(forms.Form):
    may_remove = forms.BooleanField(label="I understand that so many syncs end.")
