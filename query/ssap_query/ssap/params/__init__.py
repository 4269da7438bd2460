"""The parameters of SSA, a file for each family."""
