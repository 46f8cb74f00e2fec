"""What becomes of a failure: it is tried again, or let go. One by one, or all that match a filter.

A delivery that is put back keeps its place: it goes out before what waits in its mailbox now, and after what was let pass
while it was kept. The sweep finds it within two seconds. Two administrators at once change each of them once.
"""

from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.db.models import Case, Max, Q, QuerySet, Value, When
from django.db.models.functions import Concat, Greatest, Left, Now
from django.http import HttpRequest
from django.utils import timezone

from accounts.audit import record
from accounts.members import NotPossible
from accounts.models import Tenant, User
from relay import failures
from relay.failures import STANDING, State, Wanted, What
from relay.ledger import UNCLAIMED
from relay.models import ConversationLink, Decision, Delivery
from relay.policy import NO_LONGER, no_longer

PORTION = 1_000
"""Deliveries changed in one transaction: half a second's work, so that no worker waits for long."""

FORGOTTEN = timedelta(minutes=2)
"""After which a decision that is not at its end is taken up again: its worker or Redis went away."""

LET_GO = "let go by an administrator; before: "

RETRIED = STANDING[What.KEPT] | STANDING[What.GIVEN_UP]
"""What can be tried again: what waits is, by itself."""

SKIPPED = STANDING[What.KEPT] | STANDING[What.WAITING]
"""What can be let go. What is being sent at this moment cannot."""

OPEN = Q(
    link__is_active=True,
    event__link__is_active=True,
    link__conversation__ended_at=None,
    link__conversation__paused_at=None,
    link__conversation__archived_at=None,
)
"""Where something may be said now, and whence: of a company that left, or was removed, nothing crosses any more."""

Act = Decision.Act


def retry(rows: QuerySet[Delivery]) -> int:
    """Put deliveries back; how many. What is decided already, or belongs to a paused or ended channel, stays as it is.

    One that may have gone out is looked for at the platform before it is sent again. The day for which a delivery is tried
    begins anew. What the companies no longer let cross is given up, with that for a reason.
    """
    found = _held(rows.filter(RETRIED, OPEN))
    barred = no_longer(list(found.values_list("pk", flat=True)))
    found.filter(pk__in=barred).update(state=State.SKIPPED, reason=NO_LONGER)
    return found.exclude(pk__in=barred).update(
        state=Case(When(intent_at=None, then=State.WAITING), default=State.UNSURE),
        reason="",
        tries=Greatest("tries", 1),
        created_at=Now(),
    )


def skip(rows: QuerySet[Delivery]) -> int:
    """Let deliveries go for good; how many. Copies of those that may have gone out are ours if they come back."""
    found = _held(rows.filter(SKIPPED))
    unsure = found.filter(state=State.UNSURE).values("link")
    ConversationLink.objects.filter(pk__in=unsure).update(echoes_until=Now() + UNCLAIMED)
    return found.update(state=State.SKIPPED, reason=Left(Concat(Value(LET_GO), "reason"), 500))


def _held(rows: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """The rows as they are once nobody else can change them."""
    held = rows.order_by("pk").select_for_update(of=("self",), no_key=True).values_list("pk", flat=True)
    return Delivery.objects.filter(pk__in=list(held))


ACTS: dict[str, Callable[[QuerySet[Delivery]], int]] = {Act.RETRY: retry, Act.SKIP: skip}


def decide_one(delivery: Delivery, act: Act, request: HttpRequest) -> None:
    """Retry or skip one. Raises ``NotPossible`` where there is nothing to decide any more, or nothing can be done now."""
    if not _decided(delivery, act, request):
        raise NotPossible(_why_not(delivery))


@transaction.atomic
def _decided(delivery: Delivery, act: Act, request: HttpRequest) -> bool:
    done = bool(ACTS[act](Delivery.objects.filter(pk=delivery.pk)))
    if done:
        told = {"reason": delivery.reason, "delivery": delivery.pk}
        record(delivery.link.installation.tenant, _verb(act), str(delivery.link), request, before=told)
    return done


def _why_not(delivery: Delivery) -> str:
    if Delivery.objects.filter(pk=delivery.pk, state=State.SKIPPED, reason=NO_LONGER).exists():
        return (
            "It is not delivered: since it was written, trust between the companies was taken back or its author was "
            "restricted. It is listed under “Given up”; once they trust each other again, try again there."
        )
    return "Nothing was changed: it is delivered or decided by now, or its channel is paused, archived or unsynced."


def _verb(act: str) -> str:
    return {Act.RETRY: "retried failed message", Act.SKIP: "let failed message go"}[Act(act)]


@transaction.atomic
def decide_all(tenant: Tenant, act: Act, wanted: Wanted, request: HttpRequest) -> Decision:
    """Write down that all that match a filter now are to be retried or skipped; ``carry_out`` does it."""
    upto = failures.matching(tenant, wanted).aggregate(last=Max("pk"))["last"] or 0
    entry = record(tenant, f"asked: {_verb(act)}, all that match", _told(wanted), request)
    asked_by = request.user if isinstance(request.user, User) else None
    return Decision.objects.create(
        tenant=tenant, asked_by=asked_by, asked_by_name=entry.actor_name, act=act, wanted=dict(wanted), upto=upto
    )


def carry_out(pk: int) -> None:
    """Do what was decided, a portion at a time, the oldest first. May be run again at any time, and by two at once."""
    while _portion(pk):
        pass


@transaction.atomic
def _portion(pk: int) -> bool:
    """Returns whether there is more to do."""
    decision = Decision.objects.select_for_update().filter(pk=pk, ended_at=None).first()
    if decision is None:
        return False
    rows = failures.matching(decision.tenant, decision.wanted).filter(pk__gt=decision.after, pk__lte=decision.upto)
    found = list(rows.order_by("pk").values_list("pk", flat=True)[:PORTION])
    done = ACTS[decision.act](rows.filter(pk__in=found))  # those that match still, once nobody else can change them
    decision.done += done
    decision.left += len(found) - done
    decision.after = found[-1] if found else decision.upto
    if len(found) < PORTION:
        _end(decision)
    decision.save()
    return decision.ended_at is None


def _end(decision: Decision) -> None:
    decision.ended_at = timezone.now()
    after = {"asked by": decision.asked_by_name, "changed": decision.done, "left as they were": decision.left}
    record(decision.tenant, _verb(decision.act), _told(decision.wanted), after=after)


def _told(wanted: Wanted) -> str:
    return ", ".join(f"{name}: {value}" for name, value in wanted.items() if value) or "everything kept for a decision"


def forgotten() -> QuerySet[Decision]:
    """Decisions to take up again."""
    return Decision.objects.filter(ended_at=None, asked_at__lt=timezone.now() - FORGOTTEN)
