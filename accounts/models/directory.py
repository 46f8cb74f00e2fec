from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from accounts.models.connections import Installation
from accounts.models.people import PlatformAccount


class Team(models.Model):
    """A team of a platform that has teams. ``is_chosen``: its people and channels are imported.

    ``problem`` is why our account could not be made a member, in words an administrator may read.
    """

    installation = models.ForeignKey(Installation, on_delete=models.CASCADE, related_name="teams")
    external_id = models.CharField(max_length=255)
    name = models.CharField(max_length=300)
    description = models.CharField(max_length=1000, blank=True)
    is_chosen = models.BooleanField(default=False)
    problem = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["installation", "external_id"], name="one_team_per_external_id")]

    def __str__(self) -> str:
        return self.name


class Channel(models.Model):
    """A channel or space that was imported, whether anything of it crosses or not. Names and counts, never content.

    ``external_id`` is the ``ConversationId``. ``is_entered``: our own account hears what is said there. ``members_count`` is
    kept with the memberships.
    """

    installation = models.ForeignKey(Installation, on_delete=models.CASCADE, related_name="channels")
    team = models.ForeignKey(Team, null=True, on_delete=models.CASCADE, related_name="channels")
    external_id = models.CharField(max_length=512)
    name = models.CharField(max_length=300)
    topic = models.CharField(max_length=1000, blank=True)
    is_private = models.BooleanField(default=False)
    is_archived = models.BooleanField(default=False)
    is_entered = models.BooleanField(default=True)
    members_count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["installation", "external_id"], name="one_channel_per_external_id"),
        ]
        indexes = [models.Index("installation", Lower("name"), name="channel_by_name")]

    def __str__(self) -> str:
        return self.name


class ChannelMember(models.Model):
    """An account's membership of a channel. ``is_added``: we made it a member, so we may take it out again."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="members", db_index=False)
    account = models.ForeignKey(PlatformAccount, on_delete=models.CASCADE, related_name="memberships")
    is_added = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "account"], name="one_membership_per_account")]

    def __str__(self) -> str:
        return f"{self.account_id} in {self.channel_id}"


class DirectoryImport(models.Model):
    """One run that reads an installation's directory: page by page into the ``Seen…`` tables, then merged in one go.

    ``is_listing``: it reads the list of teams, to choose from, and nothing else. ``teams`` are the chosen ones, later those
    of them that our account could enter. ``is_delta``: people are told from where the last run left ``resumes``.

    ``stage`` and ``cursor`` are where it goes on, whoever does it and whenever; ``subject`` is the channel whose members are
    read. ``held_until`` keeps two workers from working on it at once. ``not_before`` is when the platform lets us ask again,
    or when somebody last worked on it: who waits longest is next. ``horizon`` are the newest rows there were when it began:
    what came later was told by an event, and is not missing.

    ``counts`` says how many teams, people, channels and memberships were read so far, and how many channels were ``visited``
    for their members; ``totals`` how many there are, as far as that is known; ``pages`` how many were read of each stage.
    ``report`` says what changed: ``{"people": {"added": 3, "changed": 1, "removed": 0}, …, "unread": 2}``, the last being
    channels whose members we may not see; of a run that asks, what it would remove, ``{"people": {"removed": 9, "of": 90}}``.

    ``failures`` in a row, ``restarts`` of the list that is read, and its ``fruitless`` pages in a row, which brought nothing
    new, end a run when there are too many. ``problem`` is for an administrator to read.
    """

    class State(models.TextChoices):
        RUNNING = "running"
        ASKING = "asking", "waiting for a decision"
        DONE = "done"
        CANCELLED = "cancelled"
        FAILED = "failed"

    installation = models.ForeignKey(Installation, on_delete=models.CASCADE, related_name="imports")
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    is_nightly = models.BooleanField(default=False)
    is_listing = models.BooleanField(default=False)
    is_delta = models.BooleanField(default=False)
    teams = models.JSONField(default=list)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    stage = models.CharField(max_length=20, blank=True)
    cursor = models.TextField(blank=True)
    subject = models.CharField(max_length=512, blank=True)
    horizon = models.JSONField(default=dict)
    counts = models.JSONField(default=dict)
    totals = models.JSONField(default=dict)
    pages = models.JSONField(default=dict)
    report = models.JSONField(default=dict)
    resumes = models.JSONField(default=dict)
    problem = models.CharField(max_length=500, blank=True)
    may_remove = models.BooleanField(default=False)
    failures = models.PositiveSmallIntegerField(default=0)
    restarts = models.PositiveSmallIntegerField(default=0)
    fruitless = models.IntegerField(default=0)
    not_before = models.DateTimeField(null=True)
    held_until = models.DateTimeField(null=True)
    started_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["installation"], condition=Q(state__in=["running", "asking"]), name="one_import_at_a_time"
            ),
        ]
        indexes = [models.Index(fields=["installation", "-id"], name="imports_newest_first")]

    def __str__(self) -> str:
        return f"import {self.pk}"


class SeenTeam(models.Model):
    """A team as a run read it."""

    run = models.ForeignKey(DirectoryImport, on_delete=models.CASCADE, related_name="+", db_index=False)
    external_id = models.CharField(max_length=255)
    name = models.CharField(max_length=300)
    description = models.CharField(max_length=1000)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "external_id"], name="a_team_is_seen_once")]

    def __str__(self) -> str:
        return self.external_id


class SeenAccount(models.Model):
    """An account as a run read it."""

    run = models.ForeignKey(DirectoryImport, on_delete=models.CASCADE, related_name="+", db_index=False)
    external_id = models.CharField(max_length=255)
    name = models.CharField(max_length=200)
    email = models.CharField(max_length=320)
    avatar_url = models.CharField(max_length=2000)
    is_bot = models.BooleanField()
    is_guest = models.BooleanField()
    is_deleted = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "external_id"], name="an_account_is_seen_once")]

    def __str__(self) -> str:
        return self.external_id


class SeenChannel(models.Model):
    """A channel as a run read it. ``is_read``: its members were read to the end."""

    run = models.ForeignKey(DirectoryImport, on_delete=models.CASCADE, related_name="+", db_index=False)
    external_id = models.CharField(max_length=512)
    team = models.CharField(max_length=255)
    name = models.CharField(max_length=300)
    topic = models.CharField(max_length=1000)
    is_private = models.BooleanField()
    is_archived = models.BooleanField()
    is_entered = models.BooleanField()
    is_read = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "external_id"], name="a_channel_is_seen_once")]

    def __str__(self) -> str:
        return self.external_id


class SeenMember(models.Model):
    """A membership as a run read it."""

    run = models.ForeignKey(DirectoryImport, on_delete=models.CASCADE, related_name="+", db_index=False)
    channel = models.CharField(max_length=512)
    account = models.CharField(max_length=255)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "channel", "account"], name="a_membership_is_seen_once"),
        ]

    def __str__(self) -> str:
        return f"{self.account} in {self.channel}"


class Doubt(models.Model):
    """A platform's word that an account or a channel's membership is not what we hold: to be asked for again soon.

    About a conversation and its members, or about an ``account``: one of the two is empty. ``noticed_at`` is when it was
    last said; ``not_before`` is when to ask, which is not put off by what is said meanwhile.
    """

    installation = models.ForeignKey(Installation, on_delete=models.CASCADE, related_name="doubts_held", db_index=False)
    conversation = models.CharField(max_length=512, blank=True)
    account = models.CharField(max_length=255, blank=True)
    noticed_at = models.DateTimeField(db_default=Now())
    not_before = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["installation", "conversation", "account"], name="one_doubt_of_a_kind"),
        ]
        indexes = [models.Index(fields=["not_before"], name="doubts_by_time")]

    def __str__(self) -> str:
        return self.account or self.conversation
