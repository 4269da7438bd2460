"""Simulated services: one table of made-up spectra, worn by services that differ in a few traits each.

`spectra` is the truth, in physical units. `parts` are the columns that a service may show it in, `documents` writes
VOTables, `http` sends answers, `ssap` and `tap` are the services. Each difference between services is a field of
`ssap.Traits` or `tap.FakeTap`, a part, or a function that wraps an answer; to add a kind, add a line to the lists in
``tests/mirror/simulated``.
"""
