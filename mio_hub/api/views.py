"""What can be asked of the API. Each view is one operation with one scope; ``schema`` makes the document from it."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Lower
from django.shortcuts import get_object_or_404
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from accounts.models import (
    AuditEntry,
    Channel,
    Installation,
    Person,
    PlatformAccount,
    Scope,
    Tenant,
    UserSync,
)
from mio_hub.api import answers, filters
from mio_hub.api.entering import http_request, tenant_of
from mio_hub.api.once import once
from relay import deciding, failures, unsyncing
from relay.models import ConversationLink, Decision, Delivery, Participation, UniversalConversation

Wanted = dict[str, Any]


class Operation(APIView):
    """``scope`` is what a token needs; ``answer`` draws a row."""

    http_method_names = ["get", "head", "post"]
    scope: Scope | None = None
    answer: type[BaseSerializer[Any]]

    @property
    def tenant(self) -> Tenant:
        return tenant_of(self.request)

    def rows(self) -> QuerySet[Any]:
        """Everything of its kind that is the tenant's."""
        raise NotImplementedError

    def one(self) -> Any:
        """The row whose number stands in the address."""
        [number] = self.kwargs.values()
        return get_object_or_404(self.rows(), pk=number)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response.headers["Cache-Control"] = "no-store"
        return super().finalize_response(request, response, *args, **kwargs)


class Listing(Operation):
    """A page of rows by id, and where the next one begins."""

    filters: type[filters.PageQuery]
    newest_first = False

    def get(self, request: Request) -> Response:
        query = self.filters(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted: Wanted = dict(query.validated_data)
        cursor, limit = wanted.pop("cursor", None), wanted.pop("limit")
        rows = self.matching(wanted).order_by("-pk" if self.newest_first else "pk")
        if cursor is not None:
            rows = rows.filter(**{"pk__lt" if self.newest_first else "pk__gt": cursor})
        found = list(rows[: limit + 1])
        follows = str(found[limit - 1].pk) if len(found) > limit else None
        return Response({"items": self.answer(found[:limit], many=True).data, **self._next(follows)})

    def _next(self, cursor: str | None) -> dict[str, str | None]:
        query = urlencode({**self.request.query_params.dict(), "cursor": cursor})
        address = f"{settings.MIO_BASE_URL}{self.request.path}?{query}"
        return {"next_cursor": cursor, "next": address if cursor else None}

    def matching(self, wanted: Wanted) -> QuerySet[Any]:
        """The rows that the filters let through; by default each is the lookup of its own name."""
        return self.rows().filter(**wanted)


class Single(Operation):
    """One row."""

    def get(self, request: Request, **_: int) -> Response:
        return Response(self.answer(self.one()).data)


class Action(Operation):
    """Something that is done to a row; answers with the row afterwards. ``asks`` is what the body may say."""

    asks: type[BaseSerializer[Any]] | None = None

    def post(self, request: Request, **_: int) -> Response:
        told = self.asks(data=request.data or {}) if self.asks else None
        if told:
            told.is_valid(raise_exception=True)
        wanted: Wanted = dict(told.validated_data) if told else {}
        return once(request, wanted, lambda: self._done(wanted))

    def _done(self, wanted: Wanted) -> Any:
        self.act(self.one(), wanted)
        return dict(self.answer(self.one()).data)

    def act(self, row: Any, wanted: Wanted) -> None:
        """Do it. Raises ``NotPossible``."""
        raise NotImplementedError


class Nowhere(Operation):
    """Every address that is none."""

    def get(self, request: Request, **_: str) -> Response:
        raise NotFound

    post = get


# --- People


class People(Listing):
    """List people with their accounts."""

    scope, answer, filters = Scope.PEOPLE_READ, answers.PersonAnswer, filters.PeopleQuery

    def rows(self) -> QuerySet[Person]:
        accounts = PlatformAccount.objects.select_related("installation").order_by("pk")
        return Person.objects.filter(tenant=self.tenant).prefetch_related(Prefetch("accounts", accounts))

    def matching(self, wanted: Wanted) -> QuerySet[Person]:
        rows = self.rows()
        if "email" in wanted:
            rows = rows.alias(address=Lower("email")).filter(address=wanted["email"].lower())
        if "connection" in wanted:
            there = PlatformAccount.objects.filter(person=OuterRef("pk"), installation=wanted["connection"])
            rows = rows.filter(Exists(there))
        return rows


class OnePerson(Single):
    """Show a person."""

    scope, answer, rows = People.scope, People.answer, People.rows


class Syncs(Listing):
    """List who is synced to which platform."""

    scope, answer, filters = Scope.SYNCS_READ, answers.SyncAnswer, filters.SyncsQuery

    def rows(self) -> QuerySet[UserSync]:
        return UserSync.objects.filter(person__tenant=self.tenant).select_related("installation")

    def matching(self, wanted: Wanted) -> QuerySet[UserSync]:
        if "connection" in wanted:
            wanted["installation"] = wanted.pop("connection")
        return self.rows().filter(**wanted)


class OneSync(Single):
    """Show a sync."""

    scope, answer, rows = Syncs.scope, Syncs.answer, Syncs.rows


# --- Channels


class Channels(Listing):
    """List channels that were imported."""

    scope, answer, filters = Scope.CHANNELS_READ, answers.ChannelAnswer, filters.ChannelsQuery

    def rows(self) -> QuerySet[Channel]:
        links = ConversationLink.channels.filter(
            installation=OuterRef("installation"),
            external_id=OuterRef("external_id"),
            is_active=True,
            conversation__ended_at=None,
        )
        rows = Channel.objects.filter(installation__tenant=self.tenant).select_related("installation", "team")
        return rows.annotate(synced_channel=Subquery(links.values("conversation")[:1]))

    def matching(self, wanted: Wanted) -> QuerySet[Channel]:
        names = {"connection": "installation", "platform": "installation__platform", "name": "name__icontains"}
        return self.rows().filter(**{names[name]: value for name, value in wanted.items()})


class OneChannel(Single):
    """Show a channel."""

    scope, answer, rows = Channels.scope, Channels.answer, Channels.rows


class SyncedChannels(Listing):
    """List synced channels."""

    scope, answer, filters = Scope.CHANNELS_READ, answers.SyncedChannelAnswer, filters.SyncedChannelsQuery

    def rows(self) -> QuerySet[UniversalConversation]:
        return self.known().filter(ended_at=None)

    def known(self) -> QuerySet[UniversalConversation]:
        """Those that have ended as well."""
        shares = Participation.objects.filter(conversation=OuterRef("pk"), tenant=self.tenant, ended_at=None)
        ours = ConversationLink.objects.filter(installation__tenant=self.tenant, is_active=True)
        rows = UniversalConversation.channels.filter(Q(tenant=self.tenant) | Exists(shares))
        legs = Prefetch("links", ours.select_related("installation").order_by("pk"), to_attr="legs")
        return rows.annotate(is_ours=Q(tenant=F("tenant")) & Q(tenant=self.tenant)).prefetch_related(legs)

    def matching(self, wanted: Wanted) -> QuerySet[UniversalConversation]:
        return self.rows().filter(name__icontains=wanted.get("name", ""))


class OneSyncedChannel(Single):
    """Show a synced channel."""

    scope, answer, rows = SyncedChannels.scope, SyncedChannels.answer, SyncedChannels.rows
    known = SyncedChannels.known


class ChangesChannel(Action):
    """What changes a synced channel."""

    scope, answer, rows = Scope.CHANNELS_WRITE, SyncedChannels.answer, SyncedChannels.known


class Pause(ChangesChannel):
    """Pause a synced channel: what is said from now on stays where it is, and will not cross later."""

    def act(self, row: UniversalConversation, wanted: Wanted) -> None:
        unsyncing.pause(self.tenant, row.pk, http_request(self.request))


class Resume(ChangesChannel):
    """Resume a synced channel: messages cross again from now on."""

    def act(self, row: UniversalConversation, wanted: Wanted) -> None:
        unsyncing.resume(self.tenant, row.pk, http_request(self.request))


class Unsync(ChangesChannel):
    """Unsync a channel: nothing crosses any more, what waits is skipped, and the channels stay as they are."""

    asks = answers.UnsyncRequest

    def act(self, row: UniversalConversation, wanted: Wanted) -> None:
        removes = wanted["removes_added_members"]
        unsyncing.unsync(self.tenant, row.pk, http_request(self.request), removes_added=removes)


# --- Connections


class Connections(Listing):
    """List connections and how they are doing."""

    scope, answer, filters = Scope.CONNECTIONS_READ, answers.ConnectionAnswer, filters.ConnectionsQuery

    def rows(self) -> QuerySet[Installation]:
        return Installation.objects.filter(tenant=self.tenant)


class OneConnection(Single):
    """Show a connection."""

    scope, answer, rows = Connections.scope, Connections.answer, Connections.rows


# --- Failures


class Failures(Listing):
    """List what could not be delivered, the newest first."""

    scope, answer, filters = Scope.DELIVERIES_READ, answers.FailureAnswer, filters.FailuresQuery
    newest_first = True

    def rows(self) -> QuerySet[Delivery]:
        return _told(failures.of(self.tenant))

    def matching(self, wanted: Wanted) -> QuerySet[Delivery]:
        return _told(failures.matching(self.tenant, {name: str(value) for name, value in wanted.items()}))


def _told(rows: QuerySet[Delivery]) -> QuerySet[Delivery]:
    return rows.select_related("link__installation__tenant", "event__installation")


class OneFailure(Single):
    """Show a delivery, whatever became of it."""

    scope, answer, rows = Failures.scope, Failures.answer, Failures.rows


class Decides(Action):
    """What is decided about a delivery."""

    scope, answer, rows = Scope.DELIVERIES_WRITE, Failures.answer, Failures.rows
    decision: Decision.Act

    def act(self, row: Delivery, wanted: Wanted) -> None:
        deciding.decide_one(row, self.decision, http_request(self.request))


class Retry(Decides):
    """Try a delivery again that failed."""

    decision = Decision.Act.RETRY


class Skip(Decides):
    """Let a delivery go: it will not be delivered."""

    decision = Decision.Act.SKIP


# --- Audit log


class Audit(Listing):
    """List the changes in the organization, the newest first."""

    scope, answer, filters = Scope.AUDIT_READ, answers.AuditAnswer, filters.AuditQuery
    newest_first = True

    def rows(self) -> QuerySet[AuditEntry]:
        return AuditEntry.objects.filter(tenant=self.tenant)

    def matching(self, wanted: Wanted) -> QuerySet[AuditEntry]:
        names = {"actor": "actor_name", "since": "at__gte", "until": "at__lte"}
        return self.rows().filter(**{names.get(name, name): value for name, value in wanted.items()})
