"""Calling off what waits for delivery, because nothing may cross there any more."""

from django.db.models import QuerySet
from django.db.models.functions import Now

from relay.ledger import UNCLAIMED
from relay.models import ConversationLink, Delivery

State = Delivery.State


def call_off(rows: QuerySet[Delivery], reason: str) -> int:
    """End those of them that are not delivered yet; how many.

    Rows that a worker has in hand just now are let be: it is saying them. A copy of one that may have gone out is ours if it
    comes back.
    """
    free = rows.filter(state__lt=State.DONE).select_for_update(skip_locked=True, of=("self",), no_key=True)
    ended = Delivery.objects.filter(pk__in=list(free.values_list("pk", flat=True)))
    uncertain = ended.exclude(state=State.WAITING).values("link")
    ConversationLink.objects.filter(pk__in=uncertain).update(echoes_until=Now() + UNCLAIMED)
    return ended.update(state=State.SKIPPED, reason=reason)
