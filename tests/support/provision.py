"""The pair that the tests provision is the one that the pytest plugin gives to others."""

from toolkit.lab.rehearsal.provision import CREDENTIALS, REGION, Provisioned, client, forward, provision

__all__ = ["CREDENTIALS", "REGION", "Provisioned", "client", "forward", "provision"]
