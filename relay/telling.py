"""Telling the people of a channel that it is shared now, or no longer: said once in each, by our own account."""

from datetime import timedelta

import structlog
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

import connectors
from accounts.asking import ask
from accounts.models import Installation
from connectors.errors import ConnectorError, NotSupported, RateLimited, TryAgain
from connectors.messages import ConversationId, Draft
from connectors.richtext import Document, Paragraph, Style, Text, document
from relay.models import ConversationLink, PlannedLeg
from relay.translate import nonce

log = structlog.get_logger(__name__)

Telling = ConversationLink.Telling

ECHO = timedelta(minutes=1)
"""How long what we say may take to come back as a message of our own account."""
AGAIN = timedelta(seconds=30)
"""How long we wait where a platform cannot take it: nobody is kept waiting by a notice."""


def pending() -> QuerySet[ConversationLink]:
    """Links whose people are to be told something now: of the sharing only when all its legs are there."""
    now = timezone.now()
    others = ConversationLink.objects.filter(conversation=OuterRef("conversation"), is_active=True)
    coming = PlannedLeg.objects.filter(conversation=OuterRef("conversation"), state=PlannedLeg.State.WAITING)
    is_whole = Q(Exists(others.exclude(pk=OuterRef("pk")))) & ~Q(Exists(coming))
    rows = ConversationLink.channels.filter(Q(not_before=None) | Q(not_before__lte=now)).exclude(to_tell="")
    rows = rows.filter(installation__state=Installation.State.CONNECTED)
    return rows.filter(Q(to_tell=Telling.ENDED) | (Q(to_tell=Telling.SHARED, is_active=True) & is_whole))


def tell(pk: int) -> None:
    """Say what is to be told. Whoever takes it off the list says it: rather not told than told twice."""
    link = pending().select_related("installation__tenant", "conversation").filter(pk=pk).first()
    if link is None or not ConversationLink.objects.filter(pk=pk, to_tell=link.to_tell).update(to_tell=""):
        return
    if not link.shows_notices:
        return
    try:
        _say(link, _words(link))
    except TryAgain as error:
        rest = timedelta(seconds=error.after) if isinstance(error, RateLimited) else AGAIN
        ConversationLink.objects.filter(pk=pk, to_tell="").update(
            to_tell=link.to_tell, not_before=timezone.now() + rest
        )
    except (ConnectorError, NotSupported) as error:
        log.warning("sharing_not_told", platform=link.installation.platform, link=pk, error=type(error).__name__)


def _say(link: ConversationLink, body: Document) -> None:
    ConversationLink.objects.filter(pk=link.pk).update(echoes_until=timezone.now() + ECHO)
    connector = link.installation.connector()
    for part in connector.parts(Draft(ConversationId(link.external_id), body, f"{nonce(link.pk)}{link.to_tell}")):
        ask(connector.post(part), connector.credentials)


def _words(link: ConversationLink) -> Document:
    if link.to_tell == Telling.ENDED:
        return _aside("This channel is no longer shared. What is written here from now on stays here.")
    others = link.conversation.links.filter(is_active=True).exclude(pk=link.pk)
    others = others.select_related("installation__tenant").order_by("pk")
    names = " and ".join(f"{_name(other, link)} on {_label(other)}" for other in others)
    return _aside(f"This channel is now shared with {names}. What is written in one is read in the others, too.")


def _name(other: ConversationLink, reader: ConversationLink) -> str:
    """What a channel is called; of another company's only whose it is."""
    theirs = other.installation.tenant
    return f"“{other.name}”" if theirs == reader.installation.tenant else theirs.name


def _label(link: ConversationLink) -> str:
    return connectors.get(link.installation.platform).platform.label


def _aside(words: str) -> Document:
    return document([Paragraph((Text(words, Style.ITALIC),))])
