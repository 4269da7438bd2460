"""Looks at what is at hand: is any of it stale, gone or cut off, and is there anything that no sweep has seen."""
