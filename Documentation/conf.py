# SPDX-License-Identifier: GPL-2.0
"""sphinx-build -W Documentation build/html"""

project = "xenbus"
copyright = "2026 The xenbus authors"
root_doc = "xen/xenstore/index"
html_theme = "alabaster"
exclude_patterns = ["ABI"]
