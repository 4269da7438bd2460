"""Arrow arrays: to and from numpy, the few kernels used, and values as text."""
