"""A service on the lab, for tests of its releases."""
