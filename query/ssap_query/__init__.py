"""Ask a mirror what one would have asked the spectra service: SSAP semantics as DuckDB SQL."""
