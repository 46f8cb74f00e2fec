"""Asking people for their own consent: when, how often, and in which words (product §5.4, §6.3).

The app writes to the person on their primary platform. Whoever never takes part is never asked: all of this is called when a
message is to cross, and at no other time. Each function may be called for every message; the database decides who asks.
"""

import secrets
from datetime import timedelta
from enum import StrEnum
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

import connectors
from accounts import oauth, tokens
from accounts.grants import note
from accounts.models import Grant, PlatformAccount, UserSync
from accounts.secrets import digest
from accounts.writing import write_to
from connectors.consent import Often
from connectors.errors import ConnectorError, NotSupported, TryAgain, Unsure
from connectors.messages import Button
from connectors.richtext import Document, Paragraph, Style, Text, document

log = structlog.get_logger(__name__)

State = Grant.State

LIFE = timedelta(hours=24)
"""How long a link is good: whoever is asked in the evening finds it working in the morning."""
THROTTLE = timedelta(days=1)
"""Between two prompts where they are throttled, and before somebody who said no may be asked again."""
PAUSE = timedelta(minutes=1)
"""Between two links that somebody asks for on the page of one that has ended."""

UNREACHED = "We could not write to the person to ask for their consent. They will be asked at the next message."
NO_APP = "The Hub has no app on this platform to which people could consent."


class Why(StrEnum):
    """What made us ask; the message says so."""

    SENT = "You wrote to somebody who uses another chat platform."
    RECEIVED = "Somebody who uses another chat platform wrote to you."
    ASKED = "You asked for a new link."


# --- When


def prompt(sync: UserSync, why: Why) -> bool:
    """Ask the person of a full-account sync, once: at the first message that they send (``SENT``) or that is for them
    (``RECEIVED``), in a direct chat or a group, and never before. True for the caller that asked.

    Nothing happens for bots, for guests unless the tenant lets them speak (``Tenant.guests_speak``), and where the person
    was asked before. Who lost a consent is asked once more, and who said no only when they write themselves, a day later.
    Raises ``TryAgain`` where the app could not write just now; nothing was asked then.
    """
    if sync.account is None or not _speaks(sync):
        return False
    return _ask(sync.account, why, Q(asked_at=None) | Q(state=State.LOST) | _relented(why))


def _speaks(sync: UserSync) -> bool:
    if sync.kind == UserSync.Kind.GUEST and sync.account:
        return sync.account.installation.tenant.guests_speak
    return sync.kind == UserSync.Kind.FULL


def prompt_sender(account: PlatformAccount) -> bool:
    """Ask somebody who wrote what could not cross for want of their consent over ``account`` (PR-6, PR-8): at every attempt
    or throttled, as the platform on which they write has it. For people who are not synced; who is has ``prompt``. Nobody is
    asked where only administrators decide who is synced (``Tenant.prompts_unsynced``).
    """
    if not account.installation.tenant.prompts_unsynced:
        return False
    open_ = Q(state__in=[State.ASKED, State.LOST]) & _rested(_prompting(account).sender)
    return _ask(account, Why.SENT, open_ | _relented(Why.SENT))


def prompt_recipient(account: PlatformAccount) -> bool:
    """Remind somebody whom a message could not reach for want of their consent over ``account`` (PR-7, PR-8). Throttled; who
    said no is left alone. The sender learns it by ``tell_sender``. Nobody is asked where only administrators decide.
    """
    if not account.installation.tenant.prompts_unsynced:
        return False
    return _ask(account, Why.RECEIVED, Q(state__in=[State.ASKED, State.LOST]) & _rested(_prompting(account).recipient))


def tell_sender(sender: PlatformAccount, recipient: str) -> None:
    """Tell a synced sender that ``recipient`` (a name) is not, so that the message did not arrive (PR-7). Raises as
    ``write_to``; call it once for each message that is given up."""
    words = [
        Text("Your message to "),
        Text(recipient, Style.BOLD),
        Text(" did not arrive: they are not synced with the platform on which you wrote. "),
        Text("Nothing of your message is kept. "),
        Text(
            "We have reminded them; please send it again later."
            if sender.installation.tenant.prompts_unsynced
            else "An administrator can sync them; please send it again then."
        ),
    ]
    write_to(sender, document([Paragraph(tuple(words))]))


def tell_waited(sender: PlatformAccount) -> None:
    """Tell somebody that what they wrote waited for their own consent in vain. Raises as ``write_to``."""
    words = (
        "Your message did not arrive: to be shown on the other platform under your name it needed your permission there, "
        "and waited a quarter of an hour for it. Nothing of it is kept. Give your permission by the button that we sent you, "
        "then send the message again."
    )
    write_to(sender, document([Paragraph((Text(words),))]))


def send_again(grant: Grant) -> bool:
    """Write a new link to whoever holds one that has ended; to nobody else, and not twice in a minute."""
    rested = Q(asked_at=None) | Q(asked_at__lte=timezone.now() - PAUSE)
    return _ask(grant.account, Why.ASKED, ~Q(state=State.GRANTED) & rested)


def _relented(why: Why) -> Q:
    """Who said no may think otherwise; that they write again is the sign."""
    if why != Why.SENT:
        return Q(pk=None)
    return Q(state__in=[State.DECLINED, State.WITHDRAWN], answered_at__lte=timezone.now() - THROTTLE)


def _rested(often: Often) -> Q:
    if often == Often.EVERY_ATTEMPT:
        return ~Q(pk=None)
    return Q(asked_at=None) | Q(asked_at__lte=timezone.now() - THROTTLE)


def _prompting(account: PlatformAccount) -> Any:
    return oauth.platform(asked_on(account).installation.platform).prompting


# --- How


def asked_on(account: PlatformAccount) -> PlatformAccount:
    """Where a person is written to: their account on their primary platform, else ``account`` itself."""
    person = account.person
    if person is None or person.primary_id is None:
        return account
    theirs = PlatformAccount.objects.select_related("installation__tenant").filter(person=person, is_deleted=False)
    return theirs.filter(installation=person.primary_id).order_by("is_guest", "pk").first() or account


def _ask(account: PlatformAccount, why: Why, due: Q) -> bool:
    """Write to the person where the grant is ``due``. Whoever changes the row writes; where nothing went out it is as it was,
    and where that is not known it stays: two prompts would be worse than none."""
    token, on = secrets.token_urlsafe(32), asked_on(account)
    was = _claimed(account, on, digest(token), due)
    if was is None:
        return False
    try:
        if not tokens.app_of(account.installation.platform, account.installation.app).for_people.client_id:
            raise NotSupported(NO_APP)
        write_to(on, _words(account, why), [Button("Sync now", link(token))])
    except Unsure:
        log.warning("prompt_in_doubt", grant=was.pk)
    except (ConnectorError, NotSupported) as error:
        _take_back(was, digest(token), NO_APP if isinstance(error, NotSupported) else UNREACHED)
        log.warning("prompt_not_sent", grant=was.pk, error=type(error).__name__)
        if isinstance(error, TryAgain):
            raise
        return False
    note(was, "asked for consent", on=str(on.installation), times=was.times_asked + 1)
    return True


def _claimed(account: PlatformAccount, on: PlatformAccount, digest: str, due: Q) -> Grant | None:
    """The grant as it was, if it was due and is ours to ask for."""
    now = timezone.now()
    Grant.objects.get_or_create(account=account)
    with transaction.atomic():
        was = Grant.objects.select_for_update().filter(due, account=account).first()
        if was is not None:
            Grant.objects.filter(pk=was.pk).update(
                state=State.ASKED, asked_at=now, asked_on=on, times_asked=F("times_asked") + 1, digest=digest,
                link_until=now + LIFE,
            )  # fmt: skip
    return was


def _take_back(was: Grant, digest: str, reason: str) -> None:
    before = ["state", "asked_at", "asked_on_id", "times_asked", "digest", "link_until"]
    Grant.objects.filter(pk=was.pk, digest=digest).update(**{name: getattr(was, name) for name in before})
    UserSync.objects.filter(account=was.account_id, kind=UserSync.Kind.FULL).update(reason=reason)


def link(token: str) -> str:
    """Where the button of a message leads."""
    return f"{settings.MIO_BASE_URL}{reverse('consent_link', args=[token])}"


def _words(account: PlatformAccount, why: Why) -> Document:
    tenant, label = account.installation.tenant, connectors.get(account.installation.platform).platform.label
    return document(
        [
            Paragraph((Text(why.value),)),
            Paragraph(
                (
                    Text(tenant.name, Style.BOLD),
                    Text(
                        f" uses {tenant.product_name} to carry messages between platforms. To show yours on {label} under "
                    ),
                    Text(
                        f"your own name it needs your permission there. You are asked once; it takes a minute on {label}. "
                    ),
                    Text("The button is good for 24 hours."),
                )
            ),
        ]
    )
