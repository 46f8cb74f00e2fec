"""Runs of User Sync by a tenant's programs: planned, looked at, carried out or cancelled."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError

from accounts import user_sync
from accounts.members import NotPossible
from accounts.models import Installation, Person, Scope, SyncRun
from mio_hub.api import answers
from mio_hub.api.entering import http_request
from mio_hub.api.views import Action, Single, Wanted


class OneSyncRun(Single):
    """Show a run: many syncs or unsyncs at once."""

    scope, answer = Scope.SYNCS_READ, answers.SyncRunAnswer

    def rows(self) -> QuerySet[SyncRun]:
        return SyncRun.objects.filter(tenant=self.tenant).select_related("tenant")


class PlanSyncRun(Action):
    """Plan to sync or unsync people: nothing is changed yet."""

    scope, answer, asks = Scope.SYNCS_WRITE, OneSyncRun.answer, answers.PlanRequest

    def _done(self, wanted: Wanted) -> Any:
        people = self._ours(Person, wanted["people"], "people")
        places = self._ours(Installation, wanted["connections"], "connections")
        run = user_sync.begin(self.tenant, wanted["deed"], places, people, http_request(self.request))
        return dict(self.answer(SyncRun.objects.get(pk=run.pk)).data)

    def _ours(self, model: type[Person | Installation], wanted: list[int], field: str) -> set[int]:
        """Those numbers, all of which must be of the tenant."""
        found = set(model.objects.filter(tenant=self.tenant, pk__in=wanted).values_list("pk", flat=True))
        if missing := sorted(set(wanted) - found):
            raise ValidationError({field: [f"There is none of the number {missing[0]}."]})
        return found


class ChangesSyncRun(Action):
    """What is decided about a run."""

    scope, answer, rows = Scope.SYNCS_WRITE, OneSyncRun.answer, OneSyncRun.rows


class ApplySyncRun(ChangesSyncRun):
    """Carry a plan out: what would end many syncs is refused unless `may_remove` says that you mean it."""

    asks = answers.ApplyRequest

    def act(self, row: SyncRun, wanted: Wanted) -> None:
        if row.state != SyncRun.State.PLANNED:
            raise NotPossible(f"It is {row.get_state_display()}, and only what is planned can be carried out.")
        user_sync.apply(row, http_request(self.request), may_remove=wanted["may_remove"])


class CancelSyncRun(ChangesSyncRun):
    """Cancel a run: a plan is thrown away, what is under way is stopped, and what is done stays."""

    def act(self, row: SyncRun, wanted: Wanted) -> None:
        if not user_sync.cancel(row, http_request(self.request)):
            raise NotPossible("It has ended already. Nothing was changed.")
