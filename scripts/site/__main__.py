"""Gather the pages, each from beside what it describes, and build the site: ``python -m scripts.site [folder]``."""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.site.build import build

target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2] / "build" / "site"
code = build(target)
print(f"the site: {target / 'html' / 'index.html'}" if code == 0 else "the site has not been built")
sys.exit(code)
