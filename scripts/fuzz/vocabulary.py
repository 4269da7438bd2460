"""What hostile requests are made of."""

from __future__ import annotations

import string

from ssap_query.ssap import REGISTRY

__all__ = ["ALPHABETS", "NAMES", "NUMBERS", "REPEATED", "SQL", "WORDS"]

#: Every parameter there is.
NAMES = tuple(parameter.name for parameter in REGISTRY)
#: Pieces of SQL, and what other languages take for a place to put a value.
SQL = (
    *("'", '"', "''", "--", "/*", "*/", ";", "\\", "$$", "?", "$1", ":a", "%s", "%(x)s", "{snr}", "{", "}", "{0}"),
    *("{}", "' OR 1=1 --", "; DROP TABLE spectra", "'; COPY spectra TO 'stolen.csv'; --", ") UNION SELECT 42 --"),
    *("ATTACH 'stolen.db'", "INSTALL httpfs", "read_csv('/etc/passwd')", "getenv('HOME')", "pg_sleep(60)"),
    *("1e400::FLOAT",),
)
#: Numbers and dates, good, bad and at the edge.
NUMBERS = (
    *("0", "1", "-1", "5", "+5", "1e400", "-1e400", "1e-400", "inf", "-inf", "nan", "NaN", "Infinity", "1e308"),
    *("5e-324", "99999999999999999999", "0x10", "1_0", "٣", "١٢", "1.", ".5", "1e", "- 1", "90", "-90", "360"),
    *("359.9999999999", "180", "6.5e-7", "6000/7000", "2018", "2018-02-30", "2018-05-01", "2018-05-01T12:00:00"),
    *("58500.25", "0000-01-01", "9999-12-31"),
)
#: Words and signs that some parameter reads in its own way, and characters that trip up those who handle text.
WORDS = (
    *(",", "/", "//", "%2C", "%3B", "%", "%00", "%zz", "any", "ANY", "all", "ALL", "metadata", "graphic", "native"),
    *("fits", "Optical", "V", "GALACTIC", "FK5", "ICRS", "source", "observer", "*", "?", "[", "]", "[a-z]", "[!a]"),
    *("[[:alpha:]]", "\\]", "T", "Z", ".", "-", "_", "+", " ", "\t", "\n", "\r\n", "\0", "é", "İ", "ß", "\ud800", "𝔘"),
    *("\ufeff", "\u202e", "\x7f", "<b>", "</a>", "&amp;", "&", "=", "a.b@c.de", "http://x.yz/a?b", "star", "lamost"),
    *("queryData", "getTargetNames"),
)
#: Noise is drawn from one of these.
ALPHABETS = (string.printable, string.digits + ".eE+-/,;", "".join(map(chr, range(0x80, 0x600))), "/,;", "*?[]\\!^-a")
#: Each is repeated until the value is as long as is asked.
REPEATED = (
    *("1,", "1/2,", "/", "9", ",", "x", "ab cd ", "*a", "[a]", "[", "2018-01-01,", "2018-01-01/2019-01-01,", "%2C"),
    *("<a ", "10.5,20.5,", "a-", "a.", "a@", "&a", "<a '", "a/", "Ä", "1e", "-1", "1_", " ", "\\", "?", "'", "{snr}"),
    *("Optical,", "votable,", "graphic,", "RELATIVE,", "any,"),
)
