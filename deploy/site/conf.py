"""Sphinx's settings for the documentation site, which deploy/docs builds.

The site loads nothing from elsewhere and has no script within its pages, so that a strict policy can serve it.
"""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "Armillary"
copyright = "the authors of Armillary, Apache-2.0"  # noqa: A001
version = release = version_of("armillary")
extensions = ["myst_parser", "notebooks", "repository_links"]
source_suffix = {".md": "markdown", ".ipynb": "markdown"}
nitpicky = True
myst_heading_anchors = 3
highlight_language = "text"

html_theme = "furo"
html_title = "Armillary"
html_static_path = ["static"]
html_css_files = ["site.css"]
templates_path = ["templates"]
html_copy_source = False
html_show_sourcelink = False
html_use_index = False
html_domain_indices = False
