"""Forms that standards, and services that stretch them, give to positions, times, bands and the rest.

Each is a `Part` under a name that a test shows; a service wears it in place of the same part of `parts.BASE`.
"""
