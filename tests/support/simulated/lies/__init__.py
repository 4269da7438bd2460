"""Services that lie, change, shrink, hang or forget: what a harvest has to see through, or to say that it could not.

A `scenario.Scenario` is a service, what happens to it while it is mirrored, and how that has to end.
"""
