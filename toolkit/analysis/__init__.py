"""What two colors' samples say about a release: pass, fail or inconclusive. Pure: no clock, no I/O, no randomness."""
