"""The command line: parse, call, render.

Data goes to stdout or ``-o``, everything else to stderr. Each command's module is loaded when it is called, since a
cold ``query`` should cost little more than starting Python and Arrow.
"""

from ssap_query.cli.app import command, group, main

__all__ = ["command", "group", "main"]
