#!/usr/bin/env python3
"""Django's command line. `./hub manage …` runs it with the embedded servers."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mio_hub.settings")
    execute_from_command_line(sys.argv)
