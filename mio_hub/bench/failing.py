"""Something that failed, for the pages that show it."""

from django.utils import timezone

from accounts.models import Installation, Tenant
from relay.models import ConversationLink, Delivery, InboundEvent, RelayedMessage, UniversalConversation


def failure(tenant: Tenant, reason: str = "the channel is archived there") -> Delivery:
    """A message kept for a decision in a channel of its tenant, made once for each reason."""
    found = Delivery.objects.filter(link__installation__tenant=tenant, state=Delivery.State.PARKED, reason=reason)
    return found.order_by("pk").first() or Delivery.objects.create(
        **_message(tenant), state=Delivery.State.PARKED, reason=reason
    )


def _message(tenant: Tenant) -> dict[str, object]:
    universal, _ = UniversalConversation.objects.get_or_create(tenant=tenant, name=f"general of {tenant.name}")
    slack, teams = (_link(universal, platform) for platform in ("slack", "teams"))
    event = InboundEvent.objects.create(
        installation=slack.installation, link=slack, event_id=f"failing-{InboundEvent.objects.count()}", kind="posted",
        message="1.0", received_at=timezone.now(), state=InboundEvent.State.DONE,
    )  # fmt: skip
    message = RelayedMessage.objects.create(conversation=universal, origin=slack)
    return {"event": event, "message": message, "link": teams}


def _link(universal: UniversalConversation, platform: str) -> ConversationLink:
    tenant = universal.tenant
    installation, _ = Installation.objects.get_or_create(
        tenant=tenant, platform=platform, workspace=f"failing-{tenant.key}", name=f"{tenant.name} there", account="U0"
    )
    link, _ = ConversationLink.objects.get_or_create(
        installation=installation, external_id=f"general-{universal.pk}",
        defaults={"conversation": universal, "name": universal.name},
    )  # fmt: skip
    return link
