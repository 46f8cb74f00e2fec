from django.db import models
from django.utils import timezone

from accounts.models.connections import Held, Installation
from accounts.models.people import PlatformAccount


class Grant(Held):
    """What one person allowed our app to do with one account of theirs, or was asked to: the person's own voice there.

    ``asked_on`` is the account that the app wrote to. ``digest`` is of the token in the newest link that was sent;
    ``link_until`` is None once it leads to what was granted, where it can be withdrawn. ``answered_at``: when the person
    last said yes, no or no longer. Tokens are kept while it is granted and at no other time.
    """

    class State(models.TextChoices):
        ASKED = "asked"
        GRANTED = "granted"
        DECLINED = "declined"
        WITHDRAWN = "withdrawn"
        LOST = "lost", "no longer accepted by the platform"

    account = models.OneToOneField(PlatformAccount, on_delete=models.CASCADE, related_name="grant")
    state = models.CharField(max_length=10, choices=State.choices, default=State.ASKED)
    asked_at = models.DateTimeField(null=True, blank=True)
    asked_on = models.ForeignKey(PlatformAccount, null=True, on_delete=models.SET_NULL, related_name="+")
    times_asked = models.PositiveIntegerField(default=0)
    answered_at = models.DateTimeField(null=True, blank=True)
    digest = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001 (unique, and many have none)
    link_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["renew_at"], name="grant_due", condition=models.Q(renew_at__isnull=False))]

    def __str__(self) -> str:
        return f"grant {self.pk}"

    @property
    def installation(self) -> Installation:
        """The connection to the workspace that the account is of."""
        return self.account.installation

    @property
    def has_ended(self) -> bool:
        """Whether its link has."""
        return self.link_until is not None and self.link_until <= timezone.now()
