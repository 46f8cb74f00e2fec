"""The operator's look at what goes where: to see, not to change."""

from django.contrib import admin

from accounts.admin import ReadOnly
from relay.models import ConversationLink, DailyCount, Delivery, InboundEvent, Shard, UniversalConversation


@admin.register(ConversationLink)
class ConversationLinkAdmin(ReadOnly):
    list_display = ("name", "conversation", "installation", "is_active", "not_before", "reason")
    list_select_related = ("conversation", "installation")


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly):
    list_display = ("id", "link", "state", "tries", "reason", "created_at")
    list_filter = ("state",)
    list_select_related = ("link",)


@admin.register(InboundEvent)
class InboundEventAdmin(ReadOnly):
    list_display = ("event_id", "link", "kind", "state", "discard", "received_at")
    list_filter = ("state", "discard")
    list_select_related = ("link",)


@admin.register(DailyCount)
class DailyCountAdmin(ReadOnly):
    list_display = ("day", "platform", "what", "name", "count")


admin.site.register([UniversalConversation, Shard], ReadOnly)
