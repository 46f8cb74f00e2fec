from accounts.models.api import ApiAnswer, ApiToken, Scope, WebhookCall, WebhookEndpoint, WebhookEvent
from accounts.models.audit import AuditEntry
from accounts.models.auto_sync import SyncGroup, SyncGroupMember
from accounts.models.connections import ConsentRequest, Held, Installation, PlatformApp, Subscription, Token
from accounts.models.directory import (
    Channel,
    ChannelMember,
    DirectoryImport,
    Doubt,
    SeenAccount,
    SeenChannel,
    SeenMember,
    SeenTeam,
    Team,
)
from accounts.models.grants import Grant
from accounts.models.people import Person, PlatformAccount
from accounts.models.scim import ScimMember, ScimUser
from accounts.models.syncs import AccountPolicy, SyncChange, SyncRun
from accounts.models.tenants import AccountRule, Invitation, Membership, RestrictedUser, Tenant, TrustedOrganization
from accounts.models.user_sync import UserSync
from accounts.models.users import User

__all__ = [
    "AccountPolicy",
    "AccountRule",
    "ApiAnswer",
    "ApiToken",
    "AuditEntry",
    "Channel",
    "ChannelMember",
    "ConsentRequest",
    "DirectoryImport",
    "Doubt",
    "Grant",
    "Held",
    "Installation",
    "Invitation",
    "Membership",
    "Person",
    "PlatformAccount",
    "PlatformApp",
    "RestrictedUser",
    "ScimMember",
    "ScimUser",
    "Scope",
    "SeenAccount",
    "SeenChannel",
    "SeenMember",
    "SeenTeam",
    "Subscription",
    "SyncChange",
    "SyncGroup",
    "SyncGroupMember",
    "SyncRun",
    "Team",
    "Tenant",
    "Token",
    "TrustedOrganization",
    "User",
    "UserSync",
    "WebhookCall",
    "WebhookEndpoint",
    "WebhookEvent",
]
