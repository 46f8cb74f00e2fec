"""What somebody on a platform may ask for, and what is done about it: the part of commands that the database decides."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from accounts import refreshing
from accounts.audit import record
from accounts.matching import storable
from accounts.members import NotPossible, hold
from accounts.models import Channel, PlatformAccount, Team, Tenant
from accounts.trusting import is_restricted, proven_domain
from connectors.directory import Place
from connectors.messages import NO_TEAM, TeamId
from relay.inviting_companies import Inviter, emails
from relay.inviting_companies import invite as invite_company
from relay.models import ConversationLink, Participation, UniversalConversation
from relay.sharing import attach, found, part_of
from relay.sharing import open_up as open_conversation

MOST_INVITED = 10
"""Addresses in one command: whoever invites more uses the Hub."""
IN_A_CHANNEL = "Ask me “create” in the channel that you want to share, or “create” and a name for a new one."


class NotGranted(Exception):
    """What was asked for is not done. Its text says why, or how it is asked for, and is fit to be said."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody who asks our app for something."""

    tenant: Tenant
    account: PlatformAccount

    @property
    def domain(self) -> str:
        """The domain by which their company is known."""
        return proven_domain(self.tenant, self.account.email)


def asker(installation: int, account: str) -> Asker:
    """Who asks. Raises ``NotGranted`` for somebody whom even the platform does not know."""
    rows = PlatformAccount.objects.select_related("installation__tenant")
    found = rows.filter(installation=installation, external_id=account).first()
    if found is None:
        raise NotGranted("I could not find out who you are. Try again in a moment.")
    return Asker(found.installation.tenant, found)


def must_be_granted(asker: Asker) -> None:
    """Raise ``NotGranted`` for whoever may not share channels with other companies."""
    account, tenant = asker.account, asker.tenant
    if not tenant.people_may_share:
        raise NotGranted("In your organization only administrators share channels with other companies, in the Hub.")
    if account.is_bot or account.is_guest or account.is_deleted or not account.email:
        raise NotGranted("Only members of this organization, with an e-mail address, can share channels.")
    if is_restricted(tenant, account.email):
        raise NotGranted("Your administrators do not let you write to other companies, so you cannot share channels.")


def team_of(installation: int, conversation: str) -> TeamId:
    """The team in which a new channel goes: that of the conversation in which it was asked for."""
    team = Team.objects.filter(installation=installation, channels__external_id=conversation).first()
    return TeamId(team.external_id) if team else NO_TEAM


def share(asker: Asker, place: Place) -> str:
    """Make a channel of the asker's platform universal. Returns its name. Raises ``NotGranted``."""
    try:
        with transaction.atomic():
            hold(asker.tenant)  # asked twice at once, it is shared once
            link = ConversationLink.objects.filter(
                installation=asker.account.installation, external_id=place.id, is_active=True
            ).first()
            if link and link.heard_by is not None:
                raise NotGranted(IN_A_CHANNEL)
            if link:
                return open_up(asker, link.conversation_id)
            channel = _channel(asker, place)
            part = found(asker.tenant, channel.name, asker.domain)
            attach(part, channel)
            record(asker.tenant, "created universal channel", channel.name, after={"by": asker.account.name})
    except NotPossible as problem:
        raise NotGranted(str(problem)) from None
    return channel.name


def _channel(asker: Asker, place: Place) -> Channel:
    installation = asker.account.installation
    team = Team.objects.filter(installation=installation, external_id=place.team).first() if place.team else None
    known = {
        "team": team, "name": storable(place.name)[:300], "topic": storable(place.topic)[:1000],
        "is_private": place.is_private, "is_archived": place.is_archived, "is_entered": True,
    }  # fmt: skip
    channel, _ = Channel.objects.update_or_create(installation=installation, external_id=place.id, defaults=known)
    refreshing.doubt(installation.pk, place.id)
    return channel


def open_up(asker: Asker, universal: int) -> str:
    """Make a synced channel universal. Returns its name. Raises ``NotGranted``."""
    conversation = UniversalConversation.objects.select_related("tenant").get(pk=universal)
    if conversation.tenant_id != asker.tenant.pk:
        raise NotGranted(f"This channel is shared already: it belongs to {conversation.tenant}.")
    try:
        open_conversation(conversation, asker.domain, by=asker.account.name)
    except NotPossible as problem:
        raise NotGranted(str(problem)) from None
    return conversation.name


def invite(asker: Asker, universal: int | None, words: Sequence[str]) -> list[str]:
    """Invite addresses to the channel. Returns a sentence for each. Raises ``NotGranted``."""
    if universal is None:
        raise NotGranted(f"This channel is not shared yet. {IN_A_CHANNEL}")
    addresses = [word for word in emails(words) if "@" in word]
    if not addresses:
        raise NotGranted("Write the e-mail addresses behind it: invite dana@globex.example")
    conversation = UniversalConversation.objects.get(pk=universal)
    try:
        part = part_of(conversation, asker.tenant)
    except NotPossible:
        raise NotGranted("This channel is not shared with other companies yet. Ask me “create” first.") from None
    inviter = Inviter(asker.account.name or asker.account.email)
    results = [_invited(part, address, inviter) for address in addresses[:MOST_INVITED]]
    return [*results, *_not_invited(addresses[MOST_INVITED:])]


def _not_invited(addresses: Sequence[str]) -> list[str]:
    more = f"{len(addresses)} more addresses were left out: I take {MOST_INVITED} at a time. Ask me again with them."
    return [more] if addresses else []


def _invited(part: Participation, address: str, inviter: Inviter) -> str:
    try:
        sent = invite_company(part, address, inviter)
    except NotPossible as problem:
        return f"{address}: {problem}"
    without = "" if sent.is_sent else " But the e-mail could not be sent: try again later."
    return f"{address}: invited.{without}"
