"""Answers as files and streams: VOTable, FITS, CSV, TSV, ECSV, Parquet, JSON, HTML, text."""

from ssap_query.formats import FORMATS, Format
from ssap_query.render.answer import Answer, LossWarning
from ssap_query.render.formats import chunks, format_named, format_of, write

__all__ = ["FORMATS", "Answer", "Format", "LossWarning", "chunks", "format_named", "format_of", "write"]
