"""Who is active and how much crosses: numbers, days and ids, summed up from the ledger every few minutes."""

from django.db import models

from accounts.models import Installation, PlatformAccount, Tenant
from relay.models.conversations import ConversationLink


class RollupMark(models.Model):
    """How far a table of the ledger has been summed up: the last row counted, by id."""

    name = models.CharField(max_length=20, primary_key=True)
    upto = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name} up to {self.upto}"


class DailyTraffic(models.Model):
    """What crossed on one day (UTC) at one connection: said there, delivered there, and tries that failed for good."""

    installation = models.ForeignKey(Installation, on_delete=models.CASCADE, related_name="traffic", db_index=False)
    day = models.DateField()
    said = models.PositiveBigIntegerField(default=0)
    delivered = models.PositiveBigIntegerField(default=0)
    failed = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["installation", "day"], name="one_traffic_per_day")]

    def __str__(self) -> str:
        return f"{self.installation_id} on {self.day}"


class DailySpeaker(models.Model):
    """How many messages an account said in one conversation on one day (UTC)."""

    link = models.ForeignKey(ConversationLink, on_delete=models.CASCADE, related_name="speakers")
    account = models.CharField(max_length=255)
    day = models.DateField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "link", "day"], name="one_speaker_per_link_and_day")]
        indexes = [models.Index(fields=["day"], name="speakers_by_day")]

    def __str__(self) -> str:
        return f"{self.account} on {self.day}"


class ActiveAccount(models.Model):
    """An account that said something that crosses, and the last day (UTC) on which it did."""

    account = models.OneToOneField(PlatformAccount, on_delete=models.CASCADE, related_name="activity")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="active_accounts", db_index=False)
    last_on = models.DateField()

    class Meta:
        indexes = [models.Index(fields=["tenant", "id"], name="active_accounts_of_a_tenant")]

    def __str__(self) -> str:
        return f"{self.account_id} until {self.last_on}"


class LinkPulse(models.Model):
    """When something was last said in or delivered to a conversation.

    ``delay`` is how many seconds the middle one of the newest deliveries there took, None while there was none.
    """

    link = models.OneToOneField(ConversationLink, on_delete=models.CASCADE, primary_key=True, related_name="pulse")
    last_at = models.DateTimeField()
    delay = models.FloatField(null=True)

    def __str__(self) -> str:
        return f"{self.link_id} at {self.last_at}"
