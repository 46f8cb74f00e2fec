"""Stopping an import that would remove much, until somebody has decided."""

from django.conf import settings

from accounts import audit, merging, webhooks
from accounts.models import DirectoryImport, WebhookEvent

FEWEST_REMOVED = 20
"""So many may always go: in a small company one who leaves is a tenth already."""


def must_ask(run: DirectoryImport) -> bool:
    """Whether a run would remove so much that it has to wait for a decision, which is then written on it."""
    removals = merging.removals(run)
    if run.may_remove or not any(is_too_much(**figures) for figures in removals.values()):
        return False
    run.state, run.report = DirectoryImport.State.ASKING, removals
    audit.record(run.installation.tenant, "stopped import to ask", str(run.installation), after=removals)
    about = {"import": run.pk, "connection": run.installation_id, "would_remove": removals}
    webhooks.tell(run.installation.tenant, WebhookEvent.IMPORT_NEEDS_DECISION, about)
    return True


def is_too_much(removed: int, of: int) -> bool:
    """Whether so many of a kind may not be removed unasked."""
    return removed > FEWEST_REMOVED and removed * 100 > of * settings.MIO_IMPORT_BRAKE
