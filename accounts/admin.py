"""The operator's look at accounts: to see, not to change. Tokens are not shown."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.models import Installation, Person, PlatformAccount, Tenant


class ReadOnly(admin.ModelAdmin[Any]):
    """Rows that only the product itself writes."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Installation)
class InstallationAdmin(ReadOnly):
    list_display = ("name", "tenant", "platform", "workspace", "state")


@admin.register(PlatformAccount)
class PlatformAccountAdmin(ReadOnly):
    list_display = ("name", "email", "installation", "is_bot")
    list_select_related = ("installation",)


admin.site.register([Tenant, Person], ReadOnly)
