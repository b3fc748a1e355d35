"""Telling the endpoint where target health can be asked.

PUT    {endpoint}/_bluegreen/data-plane  {"url": "http://127.0.0.1:PORT"}
GET    {endpoint}/_bluegreen/data-plane -> the same, or null for the URL
DELETE {endpoint}/_bluegreen/data-plane  {"url": "http://127.0.0.1:PORT"}

LocalStack with bluegreen's plugin takes it and reports target health from there; of several data planes the last to
come. Most endpoints do not know it, which is no error: they go on reporting what they report.
"""

import json
import logging
import urllib.error
import urllib.request
from typing import Final

log = logging.getLogger(__name__)

PATH: Final = "/_bluegreen/data-plane"
_SECONDS = 5.0


class Notice:
    """One data plane's notice at one endpoint. `is_taken` is None until the endpoint has answered."""

    def __init__(self, endpoint_url: str, door_url: str) -> None:
        self._url = endpoint_url + PATH
        self._endpoint_url = endpoint_url
        self._door_url = door_url
        self.is_taken: bool | None = None

    def give(self) -> None:
        """Give it, or give it anew. An endpoint that does not answer is left alone; what it said before holds."""
        try:
            self._send("PUT")
        except urllib.error.HTTPError as error:
            with error:
                if self.is_taken is not False:
                    log.info(
                        "%s takes no data plane (HTTP %s): it keeps reporting its own target health",
                        self._endpoint_url, error.code,
                    )  # fmt: skip
            self.is_taken = False
        except OSError as error:
            log.info("%s could not be told of the data plane: %s", self._endpoint_url, error)
        else:
            if not self.is_taken:
                log.info("%s reports target health as the data plane sees it", self._endpoint_url)
            self.is_taken = True

    def renew(self) -> None:
        """Give it anew where it was taken and is forgotten: the endpoint has been started anew, unnoticed.

        Where another data plane has come since, that one stays.
        """
        if self.is_taken is None:
            self.give()
        elif self.is_taken:
            try:
                holder = json.loads(self._send("GET"))["url"]
            except (OSError, ValueError, LookupError, TypeError) as error:
                log.info("%s does not say which data plane it asks: %s", self._endpoint_url, error)
                return
            if holder is None:
                self.give()
            elif holder != self._door_url:
                log.info("%s asks another data plane now, at %s", self._endpoint_url, holder)
                self.is_taken = False

    def withdraw(self) -> None:
        """Take it back, unless it was refused. Failing is said and no more: the endpoint may be gone already."""
        if self.is_taken is False:
            return
        try:
            self._send("DELETE")
        except urllib.error.HTTPError as error:
            log.info("%s had no notice to take back (HTTP %s)", self._endpoint_url, error.code)
            error.close()
        except OSError as error:
            log.warning("%s could not be told that the data plane ends: %s", self._endpoint_url, error)
        self.is_taken = None

    def _send(self, method: str) -> bytes:
        request = urllib.request.Request(  # noqa: S310  an endpoint on this machine
            self._url,
            method=method,
            data=None if method == "GET" else json.dumps({"url": self._door_url}).encode(),
            headers={"Content-Type": "application/json"},
        )
        # A proxy from the environment has no way to our loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=_SECONDS) as answer:
            said: bytes = answer.read()
            return said
