"""The page that a person sees who opens the address of a published mirror."""

from __future__ import annotations

from html import escape

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.sources.published.listing import LISTING, Listing

__all__ = ["write_page"]

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body>
<h1>{title}</h1>
<p>{rows:,} rows, {columns} columns, {megabytes:,.0f} MB in {files:,} files. {synthetic}Snapshot {snapshot}.</p>
<p>Have it on your own disk, and ask it there:</p>
<pre>ssap-mirror sync {name} --from ADDRESS-OF-THIS-PAGE</pre>
<p>Read it where it lies:</p>
<pre>ssap-mirror query -m ADDRESS-OF-THIS-PAGE --pos 292.06,43.93 --size 0.2</pre>
<pre>import ssap_query
mirror = ssap_query.open("ADDRESS-OF-THIS-PAGE")</pre>
<pre>import lsdb
catalog = lsdb.open_catalog("ADDRESS-OF-THIS-PAGE")</pre>
<h2>Licence and citation</h2>
<dl>
{terms}
</dl>
<h2>Files</h2>
<p><a href="{listing}">{listing}</a> and <a href="SHA256SUMS">SHA256SUMS</a> list every file,
<a href="moc.json">moc.json</a> is the coverage, <a href="collection.properties">collection.properties</a> the entry for
HATS readers, <a href="snapshots/{snapshot}/manifest.json">manifest.json</a> the description of the columns.</p>
</body></html>
"""
_TERMS = (
    ("hats_progenitor_url", "The rows come from"),
    ("creator_did", "Identifier"),
    ("publisher", "Published by"),
    ("copyright", "Rights"),
    ("bib_reference", "Please cite"),
    ("acknowledgement", "Please acknowledge"),
)


def write_page(catalog: Catalog, properties: dict[str, str], listing: Listing) -> str:
    """Write the page.

    Parameters
    ----------
    catalog : Catalog
        The snapshot that is published.
    properties : dict of str to str
        Its ``hats.properties``.
    listing : Listing
        Its files.
    """
    told = [("Licence", listing.licence or "Not stated: ask whoever published the rows before you use them.")]
    told += [(words, properties[key]) for key, words in _TERMS if key in properties]
    return _PAGE.format(
        title=escape(catalog.title),
        name=escape(catalog.name),
        rows=catalog.rows,
        columns=len(catalog.schema.names),
        files=len(listing.files),
        megabytes=listing.total_bytes / 1e6,
        synthetic="The rows are SYNTHETIC, not observations. " if catalog.synthetic else "",
        snapshot=escape(listing.snapshot),
        listing=LISTING,
        terms="\n".join(f"<dt>{words}</dt><dd>{escape(value)}</dd>" for words, value in told),
    )
