# SPDX-License-Identifier: GPL-2.0
"""The scenarios; importing one registers its tests."""

from . import bare, dom0, late, life, many, quota, stuck  # noqa: F401
from . import driver_domain, device, load, cycles, cross, debian, defects, dom0less  # noqa: F401
