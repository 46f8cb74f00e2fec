"""The operator's look at accounts: to see, not to change. What is stored encrypted is never shown."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import (
    AuditEntry,
    Installation,
    Membership,
    Person,
    PlatformAccount,
    PlatformApp,
    Subscription,
    Tenant,
    Token,
    User,
)
from accounts.secrets import SealedField


class ReadOnly(admin.ModelAdmin[Any]):
    """Rows that only the product itself writes."""

    show_full_result_count = False

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> list[str]:
        sealed = [field.name for field in self.opts.fields if isinstance(field, SealedField)]
        return [*sealed, "password"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Tenant)
class TenantAdmin(ReadOnly):
    list_display = ("name", "key", "created_at", "deleted_at")
    search_fields = ("name", "key")


@admin.register(User)
class UserAdmin(ReadOnly):
    list_display = ("email", "first_name", "last_name", "last_login", "is_staff")
    search_fields = ("email", "first_name", "last_name")


@admin.register(Membership)
class MembershipAdmin(ReadOnly):
    list_display = ("user", "tenant", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "tenant")


@admin.register(AuditEntry)
class AuditAdmin(ReadOnly):
    list_display = ("at", "tenant", "actor_name", "action", "subject")
    list_select_related = ("tenant",)


@admin.register(Installation)
class InstallationAdmin(ReadOnly):
    list_display = ("name", "tenant", "platform", "workspace", "state", "problem")
    list_filter = ("platform", "state")
    list_select_related = ("tenant",)


@admin.register(PlatformApp)
class PlatformAppAdmin(ReadOnly):
    list_display = ("tenant", "platform", "is_ready", "created_at")
    list_select_related = ("tenant",)


@admin.register(Token)
class TokenAdmin(ReadOnly):
    list_display = ("installation", "kind", "expires_at", "renew_at", "renewed_at")
    list_select_related = ("installation",)


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnly):
    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Our own orders: what people's say is of whom, and of which of their chats."""
        return super().get_queryset(request).filter(account=None)

    list_display = ("installation", "resource", "expires_at", "problem")
    list_select_related = ("installation",)


@admin.register(PlatformAccount)
class PlatformAccountAdmin(ReadOnly):
    list_display = ("name", "email", "installation", "is_bot")
    list_select_related = ("installation",)


@admin.register(Person)
class PersonAdmin(ReadOnly):
    list_display = ("name", "email", "tenant")
    list_select_related = ("tenant",)


admin.site.site_header = admin.site.site_title = "Mio Hub, for its operator"
admin.site.index_title = "Everything the Hub keeps. None of it is a message, and nothing secret is shown."
