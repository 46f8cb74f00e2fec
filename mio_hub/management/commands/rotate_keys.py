from typing import Any

from django.core.management.base import BaseCommand

from accounts.rotating import rotate


class Command(BaseCommand):
    help = "Seal every stored token and secret anew with the first of MIO_FIELD_KEYS; then the others can be removed."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Sealed {rotate()} rows with the newest key.")
