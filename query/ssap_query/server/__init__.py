"""The mirror as a local VO service."""
