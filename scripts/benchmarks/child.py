"""Runs one peer: ``child.py SECTION NAME OPTIONS``. Prints ``count, wall_s, cpu_s`` of one question as JSON."""

from __future__ import annotations

import json
import sys

from scripts.benchmarks import (
    cones,  # noqa: F401  (registers its peers, as do the next three)
    histograms,  # noqa: F401
    matching,  # noqa: F401
    planning,  # noqa: F401
    starting,  # noqa: F401
)
from scripts.benchmarks.registry import PEERS


def main() -> None:
    """Run the peer and print what it found and took."""
    section, name, options = sys.argv[1:4]
    found = next(peer for peer in PEERS if (peer.section, peer.name) == (section, name))
    count, clock, asked = found.run(json.loads(options))
    print(json.dumps({"count": count, "wall_s": clock.wall_s / asked, "cpu_s": clock.cpu_s / asked}))


if __name__ == "__main__":
    main()
