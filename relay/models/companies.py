from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from accounts.models import Tenant
from accounts.trusting import is_public_mail
from relay.models.conversations import UniversalConversation


class Participation(models.Model):
    """A company's part in a universal channel that it shares with others, and what it allows there.

    The owner (``UniversalConversation.tenant``) has one as well. ``domain`` is that of the address for which somebody joined:
    whether the company is trusted is asked of that. ``sends_files``: its files go to the others; ``takes_files``: theirs
    come in. ``allows_broadcast``: a call to everybody made elsewhere calls everybody here. ``allows_more``: further companies
    may be invited while it takes part. ``ended_at`` is when it left or was removed, ``ended_by`` which of the two.
    """

    class Ending(models.TextChoices):
        LEFT = "left"
        REMOVED = "removed"

    conversation = models.ForeignKey(UniversalConversation, on_delete=models.CASCADE, related_name="participations")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="participations")
    domain = models.CharField(max_length=253)
    sends_files = models.BooleanField(default=True)
    takes_files = models.BooleanField(default=True)
    allows_broadcast = models.BooleanField(default=False)
    allows_more = models.BooleanField(default=True)
    joined_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=20, choices=Ending.choices, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "tenant"], condition=Q(ended_at__isnull=True), name="a_company_takes_part_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tenant} in {self.conversation}"


class ChannelInvitation(models.Model):
    """What lets a company join a universal channel, once and soon. ``digest`` is of the token in its link.

    It is for whoever has a confirmed address of ``domain``. ``email`` is whom it was sent to, empty where the link was handed
    to the inviter to pass on.
    """

    class State(models.TextChoices):
        OPEN = "open"
        ACCEPTED = "accepted"
        DECLINED = "declined"
        WITHDRAWN = "withdrawn"

    conversation = models.ForeignKey(UniversalConversation, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField(max_length=254, blank=True)
    domain = models.CharField(max_length=253)
    digest = models.CharField(max_length=64, unique=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    invited_by_name = models.CharField(max_length=254, blank=True)
    accepted_by = models.ForeignKey(Tenant, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "conversation", Lower("email"), Lower("domain"), condition=Q(state="open"),
                name="one_open_invitation_for_each",
            ),
        ]  # fmt: skip
        indexes = [models.Index(Lower("domain"), condition=Q(state="open"), name="invitations_to_a_domain")]

    def __str__(self) -> str:
        return self.email or self.domain

    @property
    def whom(self) -> str:
        """Whose it is, behind "a confirmed address": "at globex.example"; of a mail provider for everybody one address."""
        return self.email if is_public_mail(self.domain) else f"at {self.domain}"
