from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from accounts.models.connections import Installation
from accounts.models.people import Person, PlatformAccount
from accounts.models.tenants import AccountRule, Tenant


class AccountPolicy(models.Model):
    """An exception from a tenant's ``account_rule``, for a domain or for a team's members; the first by ``place`` holds.

    ``value`` is in small letters. A team of Microsoft Teams is a group of Entra: it has the group's name and members.
    """

    class By(models.TextChoices):
        DOMAIN = "domain", "E-mail domain"
        GROUP = "group", "Team or group"

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="account_policies")
    place = models.PositiveIntegerField()
    by = models.CharField(max_length=6, choices=By.choices)
    value = models.CharField(max_length=300)
    rule = models.CharField(max_length=10, choices=AccountRule.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "by", "value"], name="one_policy_for_each")]

    def __str__(self) -> str:
        return self.value


class SyncRun(models.Model):
    """Many syncs and unsyncs at once: first planned, then shown, then applied or thrown away.

    ``wanted`` says of whom: ``{"people": [7, 9]}`` or ``{"filter": {"text": "sales", …}}`` with ``installations``, their
    numbers; empty where the changes were written when it began (a file, an undo). Of an Auto Sync it may hold ``group``: then
    the run is a dry run of that group. ``counts`` are of its changes, by what
    they are while it is planned (``{"adopt": 3, "impossible": 1}``) and by what became of them later (``{"done": 3}``, in
    ``report``). ``held_until``, ``not_before``, ``failures`` and ``problem`` are as of a ``DirectoryImport``.
    """

    class State(models.TextChoices):
        PLANNING = "planning"
        PLANNED = "planned", "waiting for a decision"
        APPLYING = "applying"
        STOPPING = "stopping"
        DONE = "done"
        CANCELLED = "cancelled"
        FAILED = "failed"

    class Deed(models.TextChoices):
        SYNC = "sync"
        UNSYNC = "unsync"
        FILE = "file", "import of a file"
        UNDO = "undo"
        GROUP = "group", "Auto Sync"

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="sync_runs")
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    deed = models.CharField(max_length=6, choices=Deed.choices)
    undoes = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")
    wanted = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLANNING)
    counts = models.JSONField(default=dict)
    report = models.JSONField(default=dict)
    problem = models.CharField(max_length=500, blank=True)
    failures = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(null=True)
    held_until = models.DateTimeField(null=True)
    started_at = models.DateTimeField(db_default=Now())
    applied_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["tenant", "-id"], name="sync_runs_newest_first")]

    def __str__(self) -> str:
        return f"sync run {self.pk}"


class SyncChange(models.Model):
    """One thing that a run would do, does or did, to one person on one connection.

    ``action`` is empty until it is decided; ``reason`` says why nothing can be done, or was. ``licence`` is what the platform
    said of the person's own account when it was asked: "yes", "no", or "none" where nobody has the address. ``subject`` is
    the person's address, which a report names also when they are gone.
    """

    class Deed(models.TextChoices):
        PRIMARY = "primary"
        SYNC = "sync"
        UNSYNC = "unsync"

    class Action(models.TextChoices):
        CHOOSE = "choose", "Set the primary platform"
        ADOPT = "adopt", "Use their own account"
        REUSE = "reuse", "Use the guest account that is there already"
        MAKE = "make", "Make an account for them"
        REMOVE = "remove", "Unsync, and leave the account as it is"
        DELETE = "delete", "Unsync, and delete the account that we made"
        NOTHING = "nothing", "Nothing to do"
        IMPOSSIBLE = "impossible", "Not possible"

    class State(models.TextChoices):
        PLANNED = "planned"
        INTENDED = "intended"
        DONE = "done"
        FAILED = "failed"
        SKIPPED = "skipped"

    run = models.ForeignKey(SyncRun, on_delete=models.CASCADE, related_name="changes", db_index=False)
    person = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    installation = models.ForeignKey(Installation, null=True, on_delete=models.SET_NULL, related_name="+")
    account = models.ForeignKey(PlatformAccount, null=True, on_delete=models.SET_NULL, related_name="+")
    subject = models.CharField(max_length=320)
    deed = models.CharField(max_length=7, choices=Deed.choices)
    action = models.CharField(max_length=10, choices=Action.choices, blank=True)
    licence = models.CharField(max_length=4, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.PLANNED)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "person", "installation", "deed"], name="one_change_of_each"),
        ]
        indexes = [models.Index(fields=["run", "state", "action", "id"], name="changes_by_state")]

    def __str__(self) -> str:
        return f"{self.deed} {self.subject}"
