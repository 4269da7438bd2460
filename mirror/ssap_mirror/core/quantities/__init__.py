"""What a service's columns say, as numbers in the units of SSA 1.1, whatever form they come in.

`find.candidates` lists the ways to read a quantity (a position, a band, a time, a number) out of a service's columns,
best first. Each way is a `reading.Reading`; what is there but cannot be understood is refused in a sentence.

Nothing is imported here: a query needs `points` only, and the other modules take a fiftieth of its start.
"""
