"""The services: VOTables, answers over HTTP, SSAP and TAP."""
