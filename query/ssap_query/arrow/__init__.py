"""What starts fast: Arrow arrays to and from numpy, the few kernels used, values as text, the table of formats."""
