"""Answers as files and streams: VOTable, FITS, CSV, TSV, ECSV, Parquet, JSON, HTML, text."""

from ssap_query.arrow.formats import FORMATS, Format
from ssap_query.render.formats import chunks, format_named, format_of, write
from ssap_query.render.renderable import LossWarning, Renderable

__all__ = ["FORMATS", "Format", "LossWarning", "Renderable", "chunks", "format_named", "format_of", "write"]
