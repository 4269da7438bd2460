"""An SSAP service as a source."""
