"""Words that requests use: right ones, wrong ones, and ones that a careless server takes for something else."""

SIZES = (
    *("0", "0.0003", "0.001", "0.01", "0.05", "0.1667", "0.2", "0.25", "0.5", "1", "2.5", "3", "5", "30", "90"),
    *(".5", "+0.5", " 0.5", "1e-2", "0.05"),
)
ODD_SIZES = ("", "-1", "-0.0001", "90.0001", "180", "foo", "1/2", "1,2", "nan", "inf", "0,5", "1 deg", "-0")
ODD_POSITIONS = (
    *("0,20", "360,20", "359.99999,20", "-0.0001,20", "720.5,41", "-360,20.5", "0,90", "123,90", "0,-90", "77,-89.99"),
    *("0,95", "0,-100", "0,20;ICRS", "0,20;icrs", "0,20;GALACTIC", "0,20;FK5", "0,20;ICRS;X", "0,20;", "0,20,", "0"),
    *("0,20,180", "12 30 00,+20 0 0", "12:30:00,20:00:00", "0 20", "0/1,20", "0,20/21", "NGC 1234", "nan,20", "0,inf"),
    *(",", "", "1_0,20", " 0 , 20 ", "0%2C20", "1e1,2e1", "foo,20", "(0,20)", "0;20", "0,20,0.2,0.1", "/,/"),
)
BAND_NAMES = (
    "Optical",
    "optical",
    "B",
    "R",
    "B,R",
    "V",
    "r",
    "Infrared",
    "any",
    "ALL",
    "B/R",
    "R/",
    "/R",
    "5e-7,R",
    "",
)
ODD_BANDS = ("500nm", "5000 A", "5e-7/6e-7/1e-8", "5e-7,R;x", "Opt*", "0", "-5e-7", "0/1", "1e-6/1e-5", "5e-7;rest")
FORMATS = (
    *("all", "ALL", "All", "compliant", "native", "votable", "fits", "xml", "graphic", "METADATA", "metadata"),
    *("application/x-votable+xml", "application/x-votable%2Bxml", "application/fits", "image/fits", "text/csv"),
    *("text/plain", "image/jpeg", "Application/FITS", "votable,fits", "compliant,native", "all,foo", "fits,metadata"),
    *("foo", "any", ",", "fits,", "votable;x", "a;b;c", "", " ", "text/csv,image/fits", "xml,fits", "application/*"),
)
FLUX_CALIBRATIONS = (
    *(
        "ABSOLUTE",
        "CALIBRATED",
        "RELATIVE",
        "NORMALIZED",
        "UNCALIBRATED",
        "ANY",
        "any",
        "Any",
        "relative",
        "Normalized",
    ),
    *("uncalibrated", "foo", "RELATIVE,NORMALIZED", "", " ", " relative", "A/", "/b", "uncal*", "a;b;c", "RELATIVE;x"),
)
WAVE_CALIBRATIONS = (
    *("absolute", "ABSOLUTE", "Calibrated", "calibrated", "uncalibrated", "any", "ANY", "absolute,calibrated"),
    *("a/c", "A/", "/b", "", " ", " absolute", "absolute;x", "a;b;c", "abs%6Flute", ",absolute", "absolute/x/y", "foo"),
)
COLLECTIONS = (
    *("any", "ANY", "LAMOST6/MRS,test", "LAMOST6%2FMRS%2Ctest", "L/", "/M", "LAMOST6/LAMOST7", "foo", "", "a;b;c", "/"),
    *("Größe", "G/H", "lamost", "LAMOST6*", "a/z"),
)
CLASSES = (
    *(
        "star",
        "Star",
        "STAR",
        "galaxy",
        "star,galaxy",
        "QSO",
        "QSO, cand",
        "QSO%2C cand",
        "any",
        "ANY",
        "",
        ",",
        "star,",
    ),
    *(" star", "star;x", "QSO;a;b", "st%61r", "star*", "%", "star/x", "'", "star' or 1=1 --", "s/t"),
)
RESPONSE_FORMATS = (
    *("votable", "votable/td", "votabletd", "votableb2", "votable/b2", "text/xml", "csv", "text/csv", "tsv", "json"),
    *("text/csv;header=present", "application/x-votable+xml", "application/x-votable+xml;serialization=tabledata"),
    *("application/x-votable+xml;serialization=binary2", "CSV", "VOTABLE", "votabletd1.2", "parquet", "foo", "txt"),
)
PATTERN_PIECES = ("*", "?", "[A-Z0-9]", "[!x]", "[^x]", "[J0123456789]", "**", ".")
PATTERNS = (
    *("*", "?", "", " ", "NGC*", "ngc?1234", "LAMOST*", "lamost j*", "\\*", "star\\*", "a\\", "[", "]", "[]", "[!]"),
    *(
        "[]]",
        "a[]]b",
        "[[]",
        "\\[bracket\\]",
        "^NGC",
        "end$",
        "a.*b",
        "a|b",
        "(paren)",
        "x*",
        "x?x",
        "*\n*",
        "tab\there",
    ),
    *(
        "%",
        "_",
        "a_b",
        "100%",
        "'",
        '"',
        "--",
        "[a-c]",
        "[nN]GC*",
        "İ*",
        "straße",
        "STRASSE",
        "ⓧ",
        "{2}",
        "a+b",
        "&amp;",
    ),
)
WORDS = ("NGC", "1234", "star", "stars", "running", "the", "LAMOST", "M", "a,b", "a;b", "any", "*", "%2C", "a|b", "")
MAXRECS = ("0", "1", "10", "20", "100", "1000", "10000", "007", " 5", "-1", "-5", "foo", "1.5", "1e3", "")
TOPS = ("1", "5", "10", "100", "12000", "0", " 5", "foo", "1.5", "", "-2")
COMPRESSIONS = ("true", "True", "T", "1", "false", "0", "", "yes", "foo", "?")
REQUESTS = ("getTargetNames", "querydata", "QUERYDATA", " queryData", "getData", "", "foo")
