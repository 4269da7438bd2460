"""What stands behind the rows of a file is kept as what stands before them."""

from __future__ import annotations

from pathlib import Path

import ssap_mirror
from ssap_mirror.core.catalog import open_catalog

DOCUMENT = """<?xml version="1.0"?><VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">
<RESOURCE type="results"><TABLE><FIELD ID="did" name="did" datatype="char" arraysize="*" ucd="meta.id;meta.main"/>
<FIELD name="ra" datatype="double" unit="deg" ucd="pos.eq.ra;meta.main"/>
<FIELD name="dec" datatype="double" unit="deg" ucd="pos.eq.dec;meta.main"/>
<DATA><TABLEDATA><TR><TD>a</TD><TD>1</TD><TD>2</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE>
<RESOURCE type="meta" utype="adhoc:service"><PARAM name="accessURL" datatype="char" arraysize="*" value="http://x/dl"/>
<PARAM name="standardID" datatype="char" arraysize="*" value="ivo://ivoa.net/std/DataLink#links-1.0"/>
<GROUP name="inputParams">
<PARAM name="ID" datatype="char" arraysize="*" value="" ref="did"/></GROUP></RESOURCE></VOTABLE>"""


def test_blocks_of_services_on_the_rows(tmp_path: Path) -> None:
    (tmp_path / "x.vot").write_text(DOCUMENT)
    ssap_mirror.sync("x", source=tmp_path / "x.vot", home=tmp_path)
    kept = open_catalog("x", tmp_path).service_xml
    assert b'utype="adhoc:service"' in kept
    assert b'ref="did"' in kept
