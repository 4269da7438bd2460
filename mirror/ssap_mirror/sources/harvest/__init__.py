"""What harvests over a network share: requests, slices, sweeps, the journal, the audit."""
