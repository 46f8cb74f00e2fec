from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Installation
from relay.models.conversations import ConversationLink
from relay.models.messages import RelayedMessage


class Discard(models.TextChoices):
    """Why an event goes no further. Every reason is counted where an operator can see it."""

    UNKNOWN_WORKSPACE = "unknown workspace", "from a workspace that nobody connected"
    NOT_LINKED = "not linked", "from a conversation that is not linked"
    NOT_CARRIED = "not carried", "of a kind that does not cross"
    DUPLICATE = "duplicate", "told twice by the platform"
    ECHO = "echo", "our own message coming back"
    UNKNOWN_MESSAGE = "unknown message", "about a message that never crossed"
    STALE = "stale", "older than what we already know, or changing nothing"
    ANSWERED = "answered", "a command for our app, which answered it"
    KEPT_INSIDE = "kept inside", "kept from other companies, which do not trust its author or may not read them"
    SECONDARY = "secondary", "said by somebody on a platform that is not their primary one"
    NOT_SYNCED = "not synced", "said in a direct chat by or to somebody who is not synced, or has not consented"
    UNWANTED = "unwanted", "not carried by the settings of this conversation"
    ARCHIVED = "archived", "said while the conversation was archived on one of its platforms"
    PAUSED = "paused", "said while the synced channel was paused"
    GONE = "gone", "deleted before it could be read"
    FORBIDDEN = "forbidden", "the platform did not let us read it"
    UNREADABLE = "unreadable", "in a form we could not read"


class InboundEvent(models.Model):
    """The reference of a webhook: ids, kind and times, never content. Once answered 200, it is a promise."""

    class State(models.IntegerChoices):
        WAITING = 0
        DONE = 1

    installation = models.ForeignKey(
        Installation, on_delete=models.CASCADE, related_name="events", db_index=False, db_constraint=False
    )
    link = models.ForeignKey(
        ConversationLink, on_delete=models.CASCADE, related_name="events", db_index=False, db_constraint=False
    )
    event_id = models.CharField(max_length=600)
    kind = models.CharField(max_length=20)
    message = models.CharField(max_length=255)
    occurred_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField()
    state = models.PositiveSmallIntegerField(choices=State.choices, default=State.WAITING)
    discard = models.CharField(max_length=30, choices=Discard.choices, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["installation", "event_id"], name="one_row_per_event")]
        indexes = [models.Index(fields=["link", "id"], condition=Q(state=0), name="events_waiting")]

    def __str__(self) -> str:
        return f"event {self.pk}"


FAILED = Q(state=4) | Q(state=5) & ~Q(reason="")
"""Kept for a decision, or given up for a reason that somebody should see: few of all deliveries."""


class Delivery(models.Model):
    """One thing to say in one mailbox. ``part`` is the next part to say of a message that had to be split.

    ``created_at`` is since when it is to be said: anew when somebody has it tried again. ``intent_at`` stays where it may
    have gone out.
    """

    class State(models.IntegerChoices):
        WAITING = 0, "waiting"
        SENDING = 1, "being sent"
        UNSURE = 2, "perhaps sent; looking"
        DONE = 3, "delivered"
        PARKED = 4, "failed; kept for a decision"
        SKIPPED = 5, "cannot be said on this platform"

    event = models.ForeignKey(InboundEvent, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    message = models.ForeignKey(RelayedMessage, on_delete=models.CASCADE, related_name="deliveries")
    link = models.ForeignKey(
        ConversationLink, on_delete=models.CASCADE, related_name="deliveries", db_index=False, db_constraint=False
    )
    state = models.PositiveSmallIntegerField(choices=State.choices, default=State.WAITING)
    part = models.PositiveSmallIntegerField(default=0)
    tries = models.PositiveIntegerField(default=0)
    intent_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event", "link"], name="one_delivery_per_event_and_link")]
        indexes = [
            models.Index(fields=["link", "id"], condition=Q(state__lt=3), name="deliveries_open"),
            models.Index(fields=["id"], condition=FAILED, name="deliveries_failed"),
            models.Index(fields=["link", "state"], condition=FAILED, name="deliveries_failed_by_link"),
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}"


class Outcome(models.TextChoices):
    """How a try ended."""

    SAID = "said"
    FOUND = "found", "found at the platform after a lost answer"
    RATE_LIMITED = "rate limited"
    UNAVAILABLE = "unavailable"
    UNSURE = "unsure"
    RECONNECT = "needs reconnect"
    NO_CONSENT = "no consent", "waiting for the consent of the person who said it"
    GONE = "gone"
    REFUSED = "refused"
    NOT_SUPPORTED = "not supported"
    CARRIED_OUT = "carried out", "an edit, delete or reaction is now shown"
    FOLDED = "folded", "something newer is shown already"
    UNWANTED = "unwanted", "deleted before it was delivered, or nothing to change here"


class Attempt(models.Model):
    """One try of a delivery, with its outcome. ``reason`` never holds content.

    A delivery that went out at its first try has none: that it is done says all.
    """

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts")
    outcome = models.CharField(max_length=20, choices=Outcome.choices)
    reason = models.CharField(max_length=500, blank=True)
    ended_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.outcome


class DailyCount(models.Model):
    """How often something happened on one platform on one day.

    ``discard``: an event went no further, ``name`` is the ``Discard``; all that is kept of what never concerned us.
    ``degraded``: a construct arrived that could not be kept and crossed as readable text, ``name`` is the construct.
    """

    class What(models.TextChoices):
        DISCARD = "discard"
        DEGRADED = "degraded"

    platform = models.CharField(max_length=40)
    what = models.CharField(max_length=10, choices=What.choices)
    name = models.CharField(max_length=60)
    day = models.DateField()
    count = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["platform", "what", "name", "day"], name="one_count_per_platform_name_and_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.count} × {self.name}"


class Shard(models.Model):
    """A share of all mailboxes, leased by one worker at a time.

    ``number`` counts from 0 up to ``of``. ``fence`` grows with every lease: a write that carries an older number is
    refused, so that a worker that was asleep cannot disturb its successor.
    """

    number = models.PositiveSmallIntegerField(primary_key=True)
    of = models.PositiveSmallIntegerField()
    fence = models.PositiveBigIntegerField(default=0)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"shard {self.number} of {self.of}"
