"""How Sphinx makes the manual of these pages: no network, no script or font from elsewhere, every warning an error."""

from __future__ import annotations

import sys
from pathlib import Path

from rnnconv_cli import __version__

sys.path.insert(0, str(Path(__file__).with_name("_ext")))

project = "rnnconv"
author = "The rnnconv authors"
version = release = __version__
extensions = ["generated", "myst_parser"]
exclude_patterns = ["findings.template.md"]
nitpicky = True
highlight_language = "text"
smartquotes = False  # options keep their two hyphens

myst_heading_anchors = 4
myst_links_external_new_tab = False

html_theme = "furo"
html_title = f"rnnconv {__version__}"
html_static_path = ["_static"]
html_css_files = ["manual.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
