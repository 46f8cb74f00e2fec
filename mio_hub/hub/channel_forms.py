"""The forms of Channel Sync."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms

import connectors
from accounts.access import May, may
from accounts.models import Membership, Team, Tenant
from mio_hub.hub.forms import LongSelect
from relay.channel_list import Wanted
from relay.creating import Spot
from relay.models import ConversationLink

STATES = {
    "": "All",
    "synced": "Synced",
    "open": "Not synced",
    "suggested": "Not synced, with a suggestion",
    "paused": "Paused",
    "trouble": "In trouble",
}


class ChannelFilter(forms.Form):
    """Which rows of the table to show."""

    text = forms.CharField(label="Name", required=False, max_length=100, widget=forms.TextInput({"type": "search"}))
    platform = forms.ChoiceField(required=False)
    team = forms.TypedChoiceField(required=False, coerce=int, empty_value=None, widget=LongSelect)
    privacy = forms.ChoiceField(
        label="Who may read", required=False, choices={"": "All", "public": "Public", "private": "Private"}
    )
    state = forms.ChoiceField(required=False, choices=STATES)

    def __init__(self, tenant: Tenant, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        faces = [connector.platform for connector in connectors.everyone()]
        self._offer("platform", [(face.slug, face.label) for face in faces])
        teams = Team.objects.filter(installation__tenant=tenant, is_chosen=True).order_by("name", "pk")
        self._offer("team", list(teams.values_list("pk", "name")))

    def _offer(self, name: str, choices: list[tuple[Any, str]]) -> None:
        self.fields[name].choices = [("", "All"), *choices]  # type: ignore[attr-defined]

    @property
    def wanted(self) -> Wanted:
        """What was filled in wrongly filters nothing out; the form says so."""
        self.is_valid()
        return Wanted(**{name: value for name, value in self.cleaned_data.items() if value})

    @property
    def chosen(self) -> dict[str, str]:
        """What was filled in, for an address."""
        return {name: str(self.data[name]) for name in self.fields if self.data.get(name)}


class TeamForm(forms.Form):
    """Looks for a team in which to make a channel."""

    SHOWN: ClassVar = 30
    """Teams of a platform that are offered at once: beyond that one searches."""

    team = forms.CharField(
        label="Search for a team", required=False, max_length=100, widget=forms.TextInput({"type": "search"})
    )

    @property
    def words(self) -> str:
        """What to look for in names."""
        return str(self.cleaned_data["team"]) if self.is_valid() else ""

    def is_of_use(self, offered: Sequence[Spot]) -> bool:
        """Whether there may be more than are offered."""
        return len(offered) >= self.SHOWN or bool(self.words)


class MixingForm(forms.Form):
    """Asks for a yes to more people reading than now."""

    accepts_mixing = forms.BooleanField(
        label="I understand: members of the public channels will read what is written in the private ones."
    )


class UnsyncForm(forms.Form):
    removes_added = forms.BooleanField(
        label="Also take out the accounts that we made members",
        required=False,
        help_text="People who joined by themselves stay in any case.",
    )


class LegForm(forms.ModelForm[ConversationLink]):
    """The switches of one leg; whoever may not change them sees them greyed out."""

    class Meta:
        model = ConversationLink
        fields = (
            "allows_files", "allows_broadcast", "carries_apps", "shows_notices", "follows_names", "shows_corrections",
        )  # fmt: skip
        labels = {
            "allows_files": "Files come in",
            "allows_broadcast": "A call to everybody made elsewhere calls everybody here",
            "carries_apps": "What other apps write here crosses",
            "shows_notices": "Tell here who joined or left elsewhere, and what else happens to the channel there",
            "follows_names": "Take on a new name or topic",
            "shows_corrections": "Say in words what this platform cannot show: edits, deletions, reactions",
        }
        help_texts = {
            "allows_files": "Off: a line names each file that did not come.",
            "follows_names": "As far as the platform and our permissions let us.",
        }

    def __init__(self, actor: Membership, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.disabled = not may(actor, May.CHANGE)
