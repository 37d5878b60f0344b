#!/usr/bin/env python3
"""The commands of the service *catalog*."""

import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "catalog.settings")
execute_from_command_line(sys.argv)
