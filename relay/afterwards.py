"""Having workers see to what was changed, as soon as it is committed. By the tasks' names: they know the stories, not the
other way round.
"""

from collections.abc import Iterable
from functools import partial

from celery import current_app
from django.db import transaction


def changed(installations: Iterable[int]) -> None:
    """See to synced channels, and to the standing orders of connections where links came or went."""
    transaction.on_commit(partial(current_app.send_task, "relay.tasks.see_to_channels"))
    for pk in sorted(set(installations)):
        transaction.on_commit(partial(current_app.send_task, "relay.tasks.keep_subscriptions_of", (pk,)))
