"""Which companies a tenant wants to talk to: its list of trusted organizations, and who it is itself."""

from allauth.account.models import EmailAddress

from accounts.models import RestrictedUser, Tenant, User


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
