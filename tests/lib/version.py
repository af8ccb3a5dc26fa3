# SPDX-License-Identifier: GPL-2.0
"""Which version of Xen the tests use: XEN in the environment says it."""

import os
import sys

VERSIONS = ("4.17", "4.20")
XEN = os.environ.get("XEN") or VERSIONS[0]
if XEN not in VERSIONS:
    sys.exit(f"XEN is {' or '.join(VERSIONS)}, not {XEN}")
OTHER = next(version for version in VERSIONS if version != XEN)

# Behind the name of what there is one of for each version.
SUFFIX = "" if XEN == VERSIONS[0] else f"-{XEN}"
