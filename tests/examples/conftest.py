"""These are repositories of other teams: tests/test_pytest_plugin.py runs their tests as they would."""

collect_ignore_glob = ["*/test_*.py"]
