from accounts.models.connections import Installation
from accounts.models.people import Person, PlatformAccount
from accounts.models.tenants import Tenant
from accounts.models.users import User

__all__ = ["Installation", "Person", "PlatformAccount", "Tenant", "User"]
