from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """Somebody who signs in to the Hub: an administrator or auditor, never an end user of a platform."""
