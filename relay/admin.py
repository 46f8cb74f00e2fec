"""The operator's look at what goes where, but for direct chats: to see, not to change."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin import ReadOnly
from relay.models import ConversationLink, DailyCount, Delivery, InboundEvent, Shard, UniversalConversation


@admin.register(ConversationLink)
class ConversationLinkAdmin(ReadOnly):
    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(heard_by=None)

    list_display = ("name", "conversation", "installation", "is_active", "not_before", "reason")
    list_select_related = ("conversation", "installation")


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly):
    list_display = ("id", "link", "state", "tries", "reason", "created_at")
    list_filter = ("state",)
    list_select_related = ("link",)


@admin.register(InboundEvent)
class InboundEventAdmin(ReadOnly):
    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(link__heard_by=None)

    list_display = ("event_id", "link", "kind", "state", "discard", "received_at")
    list_filter = ("state", "discard")
    list_select_related = ("link",)


@admin.register(DailyCount)
class DailyCountAdmin(ReadOnly):
    list_display = ("day", "platform", "what", "name", "count")


@admin.register(UniversalConversation)
class UniversalConversationAdmin(ReadOnly):
    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(kind=UniversalConversation.Kind.CHANNEL)


admin.site.register(Shard, ReadOnly)
