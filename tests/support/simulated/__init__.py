"""Simulated services: one table of made-up spectra, worn by services that differ in a few traits each.

`spectra` is the truth, in physical units; `questions` asks about it and answers by brute force. `forms` are the columns
that a service may show it in, `services` are the servers, `scenarios` what they are like and what they do. A `world` is
a service and the mirror that is made of it, with a judge of how that ended.

To add a kind of service, add a line to a list in `scenarios`; the tests in ``tests/mirror/simulated`` go over them.
"""
