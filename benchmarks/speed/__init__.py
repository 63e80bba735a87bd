"""`python -m benchmarks.speed`: recurra beside other libraries, one interleaved run; see README.md here."""
