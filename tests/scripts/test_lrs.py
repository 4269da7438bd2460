from __future__ import annotations

import pyarrow as pa

from scripts.rows.synthetic.lrs import LRS_SCHEMA, lrs_batches


def test_rows_of_low_resolution():
    table = pa.Table.from_batches(lrs_batches(1100, 4))
    assert table.num_rows == 1100
    assert table.schema.equals(LRS_SCHEMA.arrow_schema())
    assert table.equals(pa.Table.from_batches(lrs_batches(1100, 4)))
    assert len(set(table["obsid"].to_pylist())) == 1100
    for name in ("ssa_location", "ssa_dateObs", "ssa_snr"):
        assert 0 < table[name].null_count < 100, name
    assert set(table["ssa_collection"].to_pylist()) == {"LAMOST6 LRS (synthetic)"}
