"""What a service's columns say, as numbers in the units of SSA 1.1, whatever form they come in.

`candidates` lists the ways to read a quantity (a position, a band, a time, a number) out of a service's columns, best
first. Each way is a `Reading`; what is there but cannot be understood is refused in a sentence.
"""

from ssap_mirror.core.quantities.find import NUMBERS, QUANTITIES, candidates
from ssap_mirror.core.quantities.reading import Candidates, Reading

__all__ = ["NUMBERS", "QUANTITIES", "Candidates", "Reading", "candidates"]
