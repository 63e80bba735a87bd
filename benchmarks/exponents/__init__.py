"""The table of reference exponents that the package ships."""
