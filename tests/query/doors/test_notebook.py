"""In a notebook: statements and matches run in its kernel, and what they give is shown as a person reads it."""

from __future__ import annotations

import subprocess
import sys

import ssap_query as ssap
from astropy.table import Table
from ssap_query.mirror.shipped import SAMPLE, sample_path

STARS = Table({"star": ["Vega B"], "ra": [292.4180888], "dec": [44.0563024]})

# What DuckDB takes a kernel of Jupyter by: no file is run, and IPython has the configuration of one.
KERNEL = """
import sys, types
ipython = types.ModuleType("IPython")
ipython.get_ipython = lambda: types.SimpleNamespace(config={"IPKernelApp": {}})
sys.modules["IPython"], sys.modules["ipywidgets"] = ipython, None
import duckdb
try:
    duckdb.connect(":memory:").execute("SET enable_progress_bar = false")
except duckdb.InvalidInputException:
    print("a kernel without ipywidgets")
import ssap_query as ssap
mirror = ssap.open(sys.argv[1])
print(mirror.sql("SELECT count(*) AS n FROM spectra").to_arrow()["n"].to_pylist())
print(len(mirror.crossmatch(mirror.sql("SELECT ra, dec FROM spectra WHERE ssa_snr > 1000"), 1.0)) > 0)
"""


def test_a_kernel_without_widgets() -> None:
    command = [sys.executable, "-c", KERNEL, str(sample_path())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.stdout.splitlines() == ["a kernel without ipywidgets", "[20000]", "True"], done.stderr


def test_what_is_shown() -> None:
    mirror = ssap.open(SAMPLE, sample_path().parent)
    match = mirror.crossmatch(STARS, 1.0, "best-per-target", best_by="ssa_snr")._repr_html_()
    heads = [head.partition("</th>")[0] for head in match.split('">')]
    first = [head for head in heads if head in {"star", "ra [deg]", "ssa_snr", "mobsid"}]
    assert first == ["star", "ra [deg]", "ssa_snr", "mobsid"], "the name in one's own table comes first"
    assert ">292.4180887<" in match, "angles as a person reads them"
    record = mirror.search(pos=(292.06, 43.93), size=0.7, snr=(600, None))[0]._repr_html_()
    assert record.count("<tr ") == 87
    assert ">deg</td>" in record
    plan, folded, sql = mirror.explain(pos=(292.06, 43.93), size=0.7)._repr_html_().partition("<details>")
    assert ("SELECT" in plan, "around 292.06, 43.93" in plan, bool(folded), "SELECT" in sql) == (
        False, True, True, True,
    )  # fmt: skip
