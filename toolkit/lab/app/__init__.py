"""The sample app: answers with its color and version, and misbehaves on request."""

from toolkit.lab.app.faults import Faults
from toolkit.lab.app.processes import AppProcess, start_app
from toolkit.lab.app.site import Site

__all__ = ["AppProcess", "Faults", "Site", "start_app"]
