# SPDX-License-Identifier: GPL-2.0
"""The scenarios; importing one registers its tests.

Groups run in this order: what takes longest comes first, and is not alone at the end.
"""

from . import debian, many, bare, dom0, late, life, quota, stuck  # noqa: F401
from . import driver_domain, device, load, cycles, cross, defects, dom0less  # noqa: F401
from . import reconnect  # noqa: F401
