"""What load to make. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

MAX_SECONDS = 3600.0
MAX_REQUESTS = 50_000_000
MAX_STANDING = 5_000
_SCHEMES = ("http", "https", "tcp", "tls")


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """Bounded in count (`requests`) and time (`duration`, seconds) always; what comes first ends it.

    `connections` requests are under way at most, `rate` (a second, None for as fast as it goes) begin.
    `post_share` (0 to 1) of them are POST. `expected` maps each color that may answer to its version; empty
    takes any. `timeout` (seconds) bounds each request.

    `tcp://` and `tls://` are listeners on loopback that balance flows. The sample app behind them speaks HTTP all the
    same: a new flow is one connection with one request (`keep_alive` off), closed by the target once it has answered.
    Besides those, `standing` flows are opened at the start and kept, each with `standing_rate` messages a second.
    """

    url: str
    requests: int = MAX_REQUESTS
    duration: float = MAX_SECONDS
    connections: int = 16
    post_share: float = 0.0
    keep_alive: bool = True
    rate: float | None = None
    timeout: float = 10.0
    expected: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    bucket_seconds: float = 0.01
    body_bytes: int = 64
    standing: int = 0
    standing_rate: float = 1.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in _SCHEMES or not parts.hostname:
            raise ValueError(f"{self.url!r} is no address; write http://HOST:PORT/PATH or tcp://127.0.0.1:PORT")
        self._check_flows()
        if not 1 <= self.requests <= MAX_REQUESTS:
            raise ValueError(f"{self.requests} requests asked for; it takes 1 to {MAX_REQUESTS}")
        if not 0 < self.duration <= MAX_SECONDS:
            raise ValueError(f"{self.duration} s asked for; it takes up to {MAX_SECONDS:.0f} s")
        if self.connections < 1:
            raise ValueError(f"{self.connections} connections asked for; it takes 1 or more")
        if not 0 <= self.post_share <= 1:
            raise ValueError(f"post share is {self.post_share}; it is a share, from 0 to 1")
        if self.rate is not None and self.rate <= 0:
            raise ValueError(f"rate is {self.rate}; it takes more than 0 requests a second")
        try:
            self.wire("GET")
        except UnicodeEncodeError as error:
            raise ValueError(f"{error.object[error.start : error.end]!r} cannot be sent in a header") from error

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        parts = urlsplit(self.url)
        return parts.port or (443 if self.is_tls else 80)

    @property
    def is_tls(self) -> bool:
        return urlsplit(self.url).scheme in ("https", "tls")

    @property
    def balances_flows(self) -> bool:
        """Whether a connection, not a request, is what the load balancer sends somewhere."""
        return urlsplit(self.url).scheme in ("tcp", "tls")

    def _check_flows(self) -> None:
        if not 0 <= self.standing <= MAX_STANDING:
            raise ValueError(f"{self.standing} standing flows asked for; it takes 0 to {MAX_STANDING}")
        if self.standing_rate <= 0:
            raise ValueError(f"standing rate is {self.standing_rate}; it takes more than 0 messages a second")
        if not self.balances_flows:
            return
        if self.keep_alive:
            raise ValueError("a new flow is a connection of its own; write keep_alive=False")
        try:
            is_loopback = ip_address(self.host).is_loopback
        except ValueError:
            is_loopback = self.host == "localhost"
        if not is_loopback:
            raise ValueError(f"{self.host} is not on loopback; flows are sent to this machine only")
        if urlsplit(self.url).port is None:
            raise ValueError(f"{self.url!r} names no port")

    def wire(self, method: str, *, closing: bool | None = None) -> bytes:
        """The whole request as it goes over the wire; the same every time.

        `closing` asks the server to close the connection after its answer; None does where the plan keeps none alive.
        """
        parts = urlsplit(self.url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        body = b"x" * self.body_bytes if method == "POST" else b""
        headers = {"Host": parts.netloc, "User-Agent": "bluegreen-load", **self.headers}
        if body:
            headers |= {"Content-Type": "text/plain", "Content-Length": str(len(body))}
        if not self.keep_alive if closing is None else closing:
            headers["Connection"] = "close"
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body

    def methods(self) -> Iterator[bytes]:
        """The requests in order, without end: evenly mixed, so that any stretch keeps the share of POST."""
        get, post = self.wire("GET"), self.wire("POST")
        owed = 0.0
        while True:
            owed += self.post_share
            if owed >= 1:
                owed -= 1
                yield post
            else:
                yield get
