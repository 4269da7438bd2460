"""Where the tests find what they read."""

from __future__ import annotations

from pathlib import Path

__all__ = ["CORPUS", "DATA", "GOLDEN", "ROOT", "SCRIPTS"]

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
CORPUS = DATA / "corpus"
GOLDEN = ROOT / "tests" / "golden"
SCRIPTS = ROOT / "scripts"
