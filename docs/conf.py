"""Sphinx configuration of the documentation site: `make docs`.

Pages are Markdown (MyST). The reference is generated from the program when the site is built: settings, command line
and HTTP API (`_extensions/reference.py`), and the docstrings of the SDK and of the engine interface (autodoc).
"""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS / "_extensions"))

project = "Antiphon"
author = "The Antiphon authors"
copyright = "2026, The Antiphon authors. Apache-2.0"
release = metadata.version("antiphon")

extensions = ["myst_parser", "sphinx.ext.autodoc", "reference"]
exclude_patterns = ["_build", "_extensions", "_heads", "examples"]
suppress_warnings: list[str] = []
nitpicky = False
default_role = "code"  # of docstrings

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
myst_links_external_new_tab = False

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True}

html_theme = "furo"
html_title = f"Antiphon {release}"
html_favicon = "../clients/web/src/icon.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
# Nothing is loaded from outside: the theme, its search and its fonts (the reader's own) are in the build.
html_use_opensearch = ""
