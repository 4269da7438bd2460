"""The files behind the rows of a result: which they are, how they are fetched and kept, and the spectra in them."""
