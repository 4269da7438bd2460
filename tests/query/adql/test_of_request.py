"""A request in ADQL finds what the request itself finds, or is said to have no words there."""

from __future__ import annotations

import pytest
import ssap_query as ssap
from ssap_query.adql.errors import AdqlError
from ssap_query.adql.of_request import adql_of
from ssap_query.mirror.answer import read_request

_HEAD = "REQUEST=queryData&"


def in_adql(mirror: ssap.Mirror, request: str, dialect: str) -> str:
    return adql_of(read_request(mirror.schema, _HEAD + request, dialect).query, mirror.schema, ["mobsid"])


_BOTH = (
    ("POS=56.1,21.6&SIZE=2", 10),
    ("POS=56.1,21.6&SIZE=2&SNR=10/50&REDSHIFT=/0.01", 1),
    ("POS=0,90,180,-90&SIZE=40", 0),
    ("BAND=656e-9", 1000),
    ("BAND=/5.5e-7,6.5e-7/", 1000),
    ("TIME=2017-01-01/2018-01-01", 100),
    ("SNR=-inf/inf", 1000),
    ("PUBDID=ivo://synthetic.invalid/~?none", 0),
)
_IVOA_ALONE = (
    ("POS=56.1,21.6;ICRS&SIZE=2&REDSHIFT=/0.01,0.02/", 1),
    ("POS=10,20&SIZE=360", 1000),
    ("POS=123,45;GALACTIC&SIZE=90", 1),
    ("TIME=2017/2018,58300/", 100),
    ("SPECRP=1000/", 1000),
)


@pytest.mark.parametrize(
    ("dialect", "request_", "least"),
    [*(("ivoa", *one) for one in (*_BOTH, *_IVOA_ALONE)), *(("dachs", text, 0) for text, _ in _BOTH)],
)
def test_same_rows(dialect: str, request_: str, least: int, corpus_mirror: ssap.Mirror) -> None:
    found = corpus_mirror.ssap(_HEAD + request_, dialect, columns=["mobsid"])
    query = in_adql(corpus_mirror, request_, dialect)
    assert sorted(corpus_mirror.adql(query)["mobsid"]) == sorted(found["mobsid"]), query
    assert len(found) >= least


def test_a_limit_is_kept(corpus_mirror: ssap.Mirror) -> None:
    assert in_adql(corpus_mirror, "SNR=10/&MAXREC=7", "ivoa").startswith("SELECT TOP 7 ")


@pytest.mark.parametrize(
    "request_", ["WILDTARGET=LAMOST*", "TARGETNAME=x", "MTIME=2018-01-01/", "POS=10,20&SIZE=1&TOP=3", "FORMAT=METADATA"]
)
def test_what_adql_cannot_say(request_: str, corpus_mirror: ssap.Mirror) -> None:
    with pytest.raises(AdqlError):
        in_adql(corpus_mirror, request_, "ivoa")
