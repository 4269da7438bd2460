"""How Sphinx makes the pages into a site; `scripts/docs` runs it."""

from importlib.metadata import version as version_of

project = "ssap-mirror"
author = "The ssap-mirror developers"
version = release = version_of("ssap-mirror")

extensions = ["myst_nb", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.intersphinx", "sphinx_click"]
# Notebooks are run anew each time, each in a folder of its own; what they write to stderr is a warning.
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_execution_timeout = 600
nb_output_stderr = "remove-warn"
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
