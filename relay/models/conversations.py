from django.db import models
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from accounts.models import Installation, PlatformAccount, Tenant

A_DIRECT_CHAT = "a direct chat"
"""All that is told of one, to anybody: not who is in it, and not which it is."""


class _Channels(models.Manager["UniversalConversation"]):
    def get_queryset(self) -> "QuerySet[UniversalConversation]":
        return super().get_queryset().filter(kind=UniversalConversation.Kind.CHANNEL)


class _LegsOfChannels(models.Manager["ConversationLink"]):
    def get_queryset(self) -> "QuerySet[ConversationLink]":
        return super().get_queryset().filter(heard_by=None)


class UniversalConversation(models.Model):
    """What everyone shares: one conversation with a leg on each platform. A ``DIRECT`` one is a chat of two people or a few,
    which has no name, and which nobody but them is shown: whatever lists, shows or changes conversations for somebody reads
    ``channels``.

    ``archived_at`` is set while one of its legs is archived: nothing new crosses until that is undone. ``renamed_by_event``
    is the inbound event that gave it its newest name. While ``paused_at`` is set nothing new crosses; what is said meanwhile
    never does. ``ended_at`` is when it was unsynced: its legs are inactive, and what is known of its messages is forgotten
    some time later.
    """

    class Kind(models.TextChoices):
        CHANNEL = "channel"
        DIRECT = "direct"

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="conversations")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.CHANNEL, db_default=Kind.CHANNEL)
    name = models.CharField(max_length=300)
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True)
    renamed_by_event = models.BigIntegerField(null=True)
    paused_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = models.Manager["UniversalConversation"]()
    channels = _Channels()

    class Meta:
        indexes = [
            models.Index("tenant", Lower("name"), condition=Q(ended_at=None), name="conversation_by_name"),
            models.Index(fields=["ended_at"], condition=Q(ended_at__isnull=False), name="conversations_ended"),
        ]

    def __str__(self) -> str:
        return self.name if self.kind == self.Kind.CHANNEL else A_DIRECT_CHAT


class ConversationLink(models.Model):
    """The leg of a universal conversation on one platform, and the mailbox of what is to be said there.

    ``allows_broadcast``: a call to everybody made elsewhere calls everybody here; otherwise it is only read.
    ``allows_files``: files come in; otherwise a line names them. ``carries_apps``: what other apps say here crosses.
    ``shows_notices``: who joins or leaves elsewhere and what else happens to the conversation there is told here.
    ``follows_names``: a new name or topic elsewhere is taken on here, where the platform and our permissions let us.
    ``shows_corrections``: an edit, delete or reaction that this platform cannot show is said in words.

    ``echoes_until``: what our own account says here until then, under an id that we do not know, is ours coming back: a send
    of which we never learned whether it arrived, an answer to a command.

    ``heard_by`` is by whose consent a direct chat is heard, empty where our own voice hears it; None of a channel, and
    ``channels`` are the legs of those alone.

    ``to_tell`` is what its people are still to be told of the sharing itself.

    ``not_before`` is the mailbox's time: nothing is said there earlier. ``setbacks`` counts failures in a row, ``reason``
    is the last of them in words an administrator may read.
    """

    class Telling(models.TextChoices):
        SHARED = "shared"
        ENDED = "ended"

    conversation = models.ForeignKey(UniversalConversation, on_delete=models.CASCADE, related_name="links")
    installation = models.ForeignKey(Installation, on_delete=models.CASCADE, related_name="links")
    external_id = models.CharField(max_length=512)
    name = models.CharField(max_length=300)
    is_active = models.BooleanField(default=True)
    allows_broadcast = models.BooleanField(default=False)
    allows_files = models.BooleanField(default=True)
    carries_apps = models.BooleanField(default=True)
    shows_notices = models.BooleanField(default=True)
    follows_names = models.BooleanField(default=True)
    shows_corrections = models.BooleanField(default=True)
    heard_by = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    to_tell = models.CharField(max_length=10, choices=Telling.choices, blank=True, db_default="")
    echoes_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)
    setbacks = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=500, blank=True)

    objects = models.Manager["ConversationLink"]()
    channels = _LegsOfChannels()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["installation", "external_id"], name="one_link_per_conversation"),
        ]
        indexes = [models.Index(fields=["id"], condition=~Q(to_tell=""), name="links_to_tell")]

    def __str__(self) -> str:
        return self.name if self.is_of_channel else A_DIRECT_CHAT

    @property
    def is_of_channel(self) -> bool:
        """Whether it may be shown and changed: a direct chat's leg is nobody's business but of those in it."""
        return self.heard_by is None


class DirectMember(models.Model):
    """Somebody's part in a direct chat, as one of its platforms has it."""

    link = models.ForeignKey(ConversationLink, on_delete=models.CASCADE, related_name="people", db_index=False)
    account = models.ForeignKey(PlatformAccount, on_delete=models.CASCADE, related_name="direct_chats")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["link", "account"], name="one_part_in_a_direct_chat")]

    def __str__(self) -> str:
        return f"{self.account_id} in {self.link_id}"
