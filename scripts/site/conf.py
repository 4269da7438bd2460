"""How Sphinx makes the pages into a site; `scripts/docs` runs it."""

from importlib.metadata import version as version_of

project = "ssap-mirror"
author = "The ssap-mirror developers"
version = release = version_of("ssap-mirror")

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.intersphinx", "sphinx_click"]
# What the pages of the repository link to, and is no page: it is there for who reads them in the repository.
exclude_patterns = ["**/node_modules"]
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
numpydoc_show_class_members = False
autodoc_typehints = "none"
# Built without a network.
intersphinx_mapping: dict[str, tuple[str, None]] = {}
html_theme = "furo"
html_title = f"ssap-mirror {version}"
html_show_copyright = False
