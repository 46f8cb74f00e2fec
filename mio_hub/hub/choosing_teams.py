"""Choosing from thousands of teams, a screen at a time: what was ticked is kept whichever button is pressed."""

from django import forms
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, QueryDict

from accounts.importing import choose
from accounts.models import Installation, Team


class TeamFilter(forms.Form):
    """Which teams to show."""

    q = forms.CharField(label="Search teams", max_length=200, required=False)
    show = forms.ChoiceField(
        required=False,
        choices=[("", "All teams"), ("chosen", "Chosen teams"), ("shut", "Teams we could not join")],
    )

    def of(self, installation: Installation) -> QuerySet[Team]:
        """By name. What was filled in wrongly filters nothing out; the form says so."""
        self.is_valid()
        words, show = self.cleaned_data.get("q", ""), self.cleaned_data.get("show", "")
        matches = Q(name__icontains=words) | Q(description__icontains=words) if words else Q()
        kinds = {"chosen": Q(is_chosen=True), "shut": ~Q(problem="")}
        return Team.objects.filter(matches, kinds.get(show, Q()), installation=installation).order_by(
            Lower("name"), "pk"
        )


@transaction.atomic
def keep(installation: Installation, request: HttpRequest) -> None:
    """Take over the ticks of the screen that was ``shown``, and for ``every`` team that matches what was asked for.

    One administrator at a time: what another one ticks on another screen meanwhile must not be lost.
    """
    Installation.objects.select_for_update(of=("self",), no_key=True).get(pk=installation.pk)
    data: QueryDict = request.POST
    held = dict(Team.objects.filter(installation=installation).values_list("external_id", "is_chosen"))
    chosen = {team for team, is_chosen in held.items() if is_chosen}
    chosen = chosen - set(data.getlist("shown")) | set(data.getlist("team"))
    form = TeamFilter(data)
    if (every := data.get("every")) and form.is_valid():
        matching = set(form.of(installation).values_list("external_id", flat=True))
        chosen = chosen | matching if every == "yes" else chosen - matching
    choose(installation, chosen & held.keys(), request)
