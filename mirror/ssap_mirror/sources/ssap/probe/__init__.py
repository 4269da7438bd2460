"""What an SSAP service is like, and what it needs, found out with a handful of small requests."""

from ssap_mirror.sources.ssap.probe.service import Probe, probe

__all__ = ["Probe", "probe"]
