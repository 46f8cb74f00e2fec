"""Which companies a tenant wants to talk to: its list of trusted organizations, and who it is itself."""

from allauth.account.models import EmailAddress
from django.db.models import Case, Q, When

from accounts.models import Membership, RestrictedUser, Tenant, User

PUBLIC_MAIL = frozenset(
    {"aol", "fastmail", "gmail", "gmx", "googlemail", "hey", "hotmail", "icloud", "live", "mac", "mail", "me", "msn"}
    | {"outlook", "pm", "proton", "protonmail", "qq", "web", "yahoo", "yandex", "zoho"}
)
"""First labels of domains where people of all companies have an address: such a domain names no organization."""

SECOND_LEVELS = frozenset({"co", "com", "net", "org"})
"""What stands below a country's name in some of them, as in yahoo.co.uk."""


def is_public_mail(domain: str) -> bool:
    """Whether people of all companies have an address there; mail.acme.example is Acme's own."""
    first, *rest = domain.lower().strip(".").split(".")
    is_registered = len(rest) == 1 or (len(rest) == 2 and rest[0] in SECOND_LEVELS and len(rest[1]) == 2)
    return first in PUBLIC_MAIL and is_registered


def domain_of(email: str) -> str:
    """The part behind the @, in small letters."""
    return email.rpartition("@")[2].lower()


def trusts(tenant: Tenant, domain: str) -> bool:
    """Whether a tenant may talk to people of a domain: without a list everybody is trusted. A sub-domain is another one."""
    listed = tenant.trusted_organizations.all()
    return not listed.exists() or listed.filter(domain__iexact=domain).exists()


def is_restricted(tenant: Tenant, email: str) -> bool:
    """Whether somebody's messages must not leave the tenant."""
    return bool(email) and RestrictedUser.objects.filter(tenant=tenant, email__iexact=email).exists()


def confirmed_addresses(user: User) -> list[str]:
    """The addresses that somebody has proven to be theirs, in small letters, the first one first."""
    rows = EmailAddress.objects.filter(user=user, verified=True).order_by("-primary", "pk")
    return [email.lower() for email in rows.values_list("email", flat=True)]


def proven_domain(tenant: Tenant, email: str) -> str:
    """By which domain a tenant is known where somebody with an address there speaks for it.

    What a platform says of an address is the word of that workspace's administrators: it counts where a member of the Hub has
    proven to have one of the same domain. Else the domain is that of the members, the first owner's first.
    """
    rows = EmailAddress.objects.filter(verified=True, user__memberships__tenant=tenant)
    is_owner = Q(user__memberships__tenant=tenant, user__memberships__role=Membership.Role.OWNER)
    order = (Case(When(is_owner, then=0), default=1), "user", "-primary", "pk")
    proven = [domain_of(one) for one in rows.order_by(*order).values_list("email", flat=True)]
    return domain_of(email) if domain_of(email) in proven else next(iter(proven), domain_of(email))
