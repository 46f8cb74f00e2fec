"""Inviting another company to a universal channel, and what may become of that.

The link holds a random token that is good once and for four days; the database holds its digest only. It is for people with a
confirmed address of the invited domain, so that a link that was passed on opens nothing for a stranger.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts.audit import record
from accounts.inviting import LIFE, MOST_OPEN, PAUSE
from accounts.members import NotPossible
from accounts.models import Tenant, User
from accounts.secrets import digest
from accounts.trusting import confirmed_addresses, domain_of, is_public_mail, trusts
from relay.models import ChannelInvitation, Participation
from relay.sharing import hold, part_of, taking_part

log = structlog.get_logger(__name__)

State = ChannelInvitation.State

MOST_COMPANIES = 20
"""Companies in one channel: more cannot know any longer who reads along."""


LONGEST_EMAIL = 254
"""Characters of an address: more fit into no mail server's commands (RFC 5321), nor into our column."""


@dataclass(frozen=True, slots=True)
class Inviter:
    """Who invites: somebody in the Hub, or somebody on a platform, whom it knows by ``name`` alone."""

    name: str
    user: User | None = None
    request: HttpRequest | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """``link`` leads to the invitation; ``is_sent``: its e-mail was handed over."""

    invitation: ChannelInvitation
    link: str
    is_sent: bool


def invite(part: Participation, to: str, inviter: Inviter) -> Sent:
    """Invite an e-mail address, or a domain; once more to the same renews it, and the earlier link ends.

    Raises ``NotPossible``. A domain gets no e-mail: the link is the inviter's to pass on.
    """
    to = to.lower()
    email, domain = (to, domain_of(to)) if "@" in to else ("", to)
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        conversation = hold(part.conversation)
        must_be_welcome(part, domain, email)
        openings = conversation.invitations.filter(state=State.OPEN)
        waiting = openings.filter(email__iexact=email, domain__iexact=domain).first()
        sent = conversation.invitations.filter(email__iexact=email, sent_at__gt=timezone.now() - PAUSE)
        if email and sent.exists():  # whatever became of that one
            raise NotPossible(
                f"An e-mail went to {email} less than a minute ago. Wait a little before sending another."
            )
        if not waiting and openings.filter(expires_at__gt=timezone.now()).count() >= MOST_OPEN:
            raise NotPossible(f"{MOST_OPEN} invitations are open. Withdraw some that are no longer needed.")
        invitation = waiting or ChannelInvitation(conversation=conversation, email=email, domain=domain)
        invitation.digest, invitation.sent_at = digest(token), timezone.now()
        invitation.invited_by, invitation.invited_by_name = inviter.user, inviter.name[:254]
        invitation.expires_at = timezone.now() + LIFE
        invitation.save()
        action = "renewed invitation to universal channel" if waiting else "invited to universal channel"
        after = {"channel": conversation.name, "invited by": inviter.name}
        record(part.tenant, action, str(invitation), inviter.request, after=after)
    link = f"{settings.MIO_BASE_URL}{reverse('channel_invitation_link', args=[token])}"
    return Sent(invitation, link, bool(email) and _send(invitation, part.tenant, link))


def must_be_welcome(part: Participation, domain: str, email: str = "") -> None:
    """Raise ``NotPossible`` where a company may not invite that domain into a channel."""
    if part.tenant_id != part.conversation.tenant_id:
        raise NotPossible(f"Only people of {part.conversation.tenant} can invite others to this channel.")
    if is_public_mail(domain) and not email:
        raise NotPossible(f"People of all companies have an address at {domain}. Invite one address of theirs instead.")
    if domain == part.domain.lower() and not is_public_mail(domain):
        raise NotPossible("This is an address of your own organization: invite colleagues on your own platform.")
    if not trusts(part.tenant, domain):
        raise NotPossible(
            f"{domain} is not among your organization's trusted organizations. An administrator can add it."
        )
    parts = list(taking_part(part.conversation))
    if domain not in {other.domain.lower() for other in parts}:
        _must_have_room(parts)


def _must_have_room(parts: Sequence[Participation]) -> None:
    """Asked when a company is invited, and again when it joins: others may have joined or changed their mind meanwhile."""
    if len(parts) >= MOST_COMPANIES:
        raise NotPossible(f"{MOST_COMPANIES} companies take part, and more cannot.")
    refusing = [other.tenant.name for other in parts if not other.allows_more]
    if refusing:
        raise NotPossible(f"{refusing[0]} does not want further companies in this channel.")


def _send(invitation: ChannelInvitation, tenant: Tenant, link: str) -> bool:
    name = " ".join(invitation.conversation.name.split())  # a line break would be a header of its own
    about = {"invitation": invitation, "tenant": tenant, "link": link, "hours": LIFE.days * 24}
    text = render_to_string("shared/mail.txt", about)
    try:
        send_mail(f"{' '.join(tenant.name.split())} invites you to {name}", text, None, [invitation.email])
    except OSError as error:  # the family of smtplib's errors and of a server that is not there
        log.warning("channel_invitation_not_sent", tenant=tenant.pk, error=type(error).__name__)
        return False
    return True


def find(token_digest: str) -> ChannelInvitation | None:
    """The invitation of a token, as long as it is good."""
    return _open().filter(digest=token_digest).first()


def addressed_to(user: User) -> QuerySet[ChannelInvitation]:
    """Open invitations for somebody: sent to an address of theirs, or good for anybody of its domain."""
    mine = confirmed_addresses(user)
    to_me = Q(email__in=mine) | Q(email="", domain__in={domain_of(email) for email in mine})
    return _open().filter(to_me).order_by("-pk")


def _open() -> QuerySet[ChannelInvitation]:
    rows = ChannelInvitation.objects.select_related("conversation__tenant", "invited_by")
    return rows.filter(state=State.OPEN, expires_at__gt=timezone.now(), conversation__ended_at=None)


def address_for(invitation: ChannelInvitation, user: User) -> str:
    """Of somebody's confirmed addresses the one by which they may accept; empty where there is none.

    Colleagues may accept for each other, but not the users of one mail provider.
    """
    mine, invited = confirmed_addresses(user), invitation.email.lower()
    if invited in mine:
        return invited
    if is_public_mail(invitation.domain):
        return ""
    return next((email for email in mine if domain_of(email) == invitation.domain.lower()), "")


@transaction.atomic
def withdraw(part: Participation, invitation: ChannelInvitation, request: HttpRequest) -> None:
    """End an invitation; its link leads nowhere. Raises ``NotPossible``."""
    _close(invitation, State.WITHDRAWN)
    record(part.tenant, "withdrew invitation to universal channel", str(invitation), request, before=_about(invitation))


@transaction.atomic
def decline(invitation: ChannelInvitation) -> None:
    """Whoever holds the link says no. Raises ``NotPossible``."""
    _close(invitation, State.DECLINED)
    owner = invitation.conversation.tenant
    record(owner, "invitation to universal channel was declined", str(invitation), after=_about(invitation))


@transaction.atomic
def accept(invitation: ChannelInvitation, tenant: Tenant, user: User, request: HttpRequest) -> Participation:
    """Join as a company; its channels are attached afterwards. Raises ``NotPossible``.

    A company that takes part already uses the invitation up and stays what it is.
    """
    conversation = hold(invitation.conversation)
    address = address_for(invitation, user)
    must_fit(invitation, tenant, address)
    _close(invitation, State.ACCEPTED, tenant)
    if taking_part(conversation).filter(tenant=tenant).exists():
        return part_of(conversation, tenant)
    part = Participation.objects.create(conversation=conversation, tenant=tenant, domain=domain_of(address))
    record(tenant, "joined universal channel", conversation.name, request, after={"of": conversation.tenant.name})
    after = {"company": tenant.name, "invited as": str(invitation)}
    record(conversation.tenant, "a company joined universal channel", conversation.name, after=after)
    return part


def must_fit(invitation: ChannelInvitation, tenant: Tenant, address: str) -> None:
    """Raise ``NotPossible`` where a company may not join: the wrong address, or trust that lacks in one direction."""
    if not address:
        raise NotPossible(f"This invitation is for people with a confirmed address {invitation.whom}.")
    if tenant.pk == invitation.conversation.tenant_id:
        raise NotPossible("This channel is your own organization's.")
    domain, parts = domain_of(address), list(taking_part(invitation.conversation))
    if tenant.pk not in {other.tenant_id for other in parts}:
        _must_have_room(parts)
    for other in parts:
        if other.tenant_id != tenant.pk and not trusts(tenant, other.domain):
            raise NotPossible(
                f"{other.tenant} ({other.domain}) is not among your organization's trusted organizations. An administrator "
                "can add it under Security; the invitation stays good."
            )
        if other.tenant_id != tenant.pk and not trusts(other.tenant, domain):
            raise NotPossible(f"{other.tenant} does not trust {domain}. Ask them to add it; the invitation stays good.")


def _close(invitation: ChannelInvitation, state: State, tenant: Tenant | None = None) -> None:
    """End an invitation that is still open: whoever comes second finds it ended."""
    mine = _open().filter(pk=invitation.pk, digest=invitation.digest)
    if not mine.update(state=state, accepted_by=tenant, ended_at=timezone.now()):
        raise NotPossible("This invitation was used, declined or withdrawn a moment ago, or its time is over.")


def _about(invitation: ChannelInvitation) -> dict[str, str]:
    return {"channel": invitation.conversation.name}


def emails(words: Iterable[str]) -> list[str]:
    """Of words that somebody typed those that are e-mail addresses, without what chat clients put around them."""
    bare = (word.strip("<>,;()[]\"'").removeprefix("mailto:").partition("|")[0] for word in words)
    return [word for word in bare if len(word) <= LONGEST_EMAIL and _is_address(word)]


def _is_address(word: str) -> bool:
    try:
        validate_email(word)
    except ValidationError:
        return False
    return True
