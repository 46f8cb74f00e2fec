from accounts.models.audit import AuditEntry
from accounts.models.connections import ConsentRequest, Installation, PlatformApp, Subscription, Token
from accounts.models.people import Person, PlatformAccount
from accounts.models.tenants import Invitation, Membership, RestrictedUser, Tenant, TrustedOrganization
from accounts.models.users import User

__all__ = [
    "AuditEntry",
    "ConsentRequest",
    "Installation",
    "Invitation",
    "Membership",
    "Person",
    "PlatformAccount",
    "PlatformApp",
    "RestrictedUser",
    "Subscription",
    "Tenant",
    "Token",
    "TrustedOrganization",
    "User",
]
