"""Compiled kernels. Arrays and scalars in, arrays out; no checks, no random state, no input or output."""
