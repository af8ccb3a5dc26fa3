# SPDX-License-Identifier: GPL-2.0
"""The scenarios; importing one registers its tests."""

from . import bare, dom0, late, life, device, load, cycles  # noqa: F401
