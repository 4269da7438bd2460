"""What HATS keeps beside a catalogue: margins for cross-matches, an index for look-ups by identity."""
