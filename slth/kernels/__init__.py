"""Floor 0: compiled kernels. Contiguous arrays and scalars in, arrays out; no checks, no random state, no input or output."""
