from django.db import models


class Tenant(models.Model):
    """The customer. Nothing of one tenant is ever visible to another."""

    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name
