"""What a result is to those who take it: records, pyvo's interface, a notebook, a description, other programs."""
