"""The forms of Auto Sync."""

from typing import Any

from django import forms
from django.core import signing

from accounts.auto_sync import Choice
from accounts.models import Installation, SyncGroup, Tenant
from connectors.directory import Group


class ChoiceForm(forms.Form):
    """Which platform members of a group use first, and where they are synced."""

    primary = forms.TypedChoiceField(
        label="Its members use first", coerce=int, help_text="Whoever has chosen a primary platform already keeps it."
    )
    secondaries = forms.TypedMultipleChoiceField(
        label="And are synced on", coerce=int, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, tenant: Tenant, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._places = {place.pk: place for place in tenant.places}
        for name in ("primary", "secondaries"):
            self.fields[name].choices = [(pk, str(row)) for pk, row in self._places.items()]  # type: ignore[attr-defined]

    @property
    def choice(self) -> Choice:
        given = self.cleaned_data
        return Choice(self._places[given["primary"]], tuple(self._places[pk] for pk in given["secondaries"]))


def choice_of(group: SyncGroup) -> dict[str, Any]:
    """What a form of a group begins with."""
    return {"primary": group.primary_id, "secondaries": [one.pk for one in group.secondaries.all()]}


class AddForm(ChoiceForm):
    """The same with the group, of those that the platform has just told."""

    group = forms.ChoiceField(widget=forms.RadioSelect)
    field_order = ("group", "primary", "secondaries")

    def __init__(
        self, tenant: Tenant, installation: Installation, groups: tuple[Group, ...], *args: Any, **kw: Any
    ) -> None:
        super().__init__(tenant, *args, **kw)
        self._salt = f"auto sync {installation.pk}"
        known = [(signing.dumps([one.id, one.name], salt=self._salt), one.name or one.id) for one in groups]
        given = self.data.get("group", "")
        if given and all(given != value for value, _ in known):  # of another page of the list; we have signed it
            known.append((given, self._opened(given).name))
        self.fields["group"].choices = known  # type: ignore[attr-defined]

    def _opened(self, value: str) -> Group:
        try:
            return Group(*signing.loads(value, salt=self._salt))
        except signing.BadSignature:
            return Group("", "")

    def clean_group(self) -> Group:
        group = self._opened(self.cleaned_data["group"])
        if not group.id:
            raise forms.ValidationError("Choose one of the groups.")
        return group


class FindForm(forms.Form):
    """Of which platform, and how the group's name begins."""

    on = forms.TypedChoiceField(label="Platform", coerce=int)
    text = forms.CharField(
        label="Name begins with", required=False, max_length=100, widget=forms.TextInput({"type": "search"})
    )

    def __init__(self, places: list[Installation], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["on"].choices = [(row.pk, str(row)) for row in places]  # type: ignore[attr-defined]


class LeavingForm(forms.Form):
    then = forms.ChoiceField(
        label="Those whom it holds synced",
        choices=[
            ("keep", "Stay synced, as if somebody had synced them by hand"),
            ("unsync", "Are unsynced: show me the plan"),
        ],
        initial="keep",
        widget=forms.RadioSelect,
    )
