"""The whole way for real: provision, cut over under traffic, come back; then a release that errors is taken back.

The toolkit is run as a user would run it, as commands in processes of their own with AWS_ENDPOINT_URL in their
environment: it does not know that it works on a lab.

On an endpoint of somebody else's the load balancer is an attached data plane, and what was provisioned is destroyed.
"""

from toolkit.lab.demo.play import ACTS, run_demo

__all__ = ["ACTS", "run_demo"]
