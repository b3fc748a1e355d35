"""Where one target of the sample app listens, and what it says it is."""

from dataclasses import dataclass

DEFAULT_PORT = 8080


@dataclass(frozen=True, slots=True)
class Site:
    """`address` is on loopback; behind the lab's load balancer 127.a.b.c stands for the private 10.a.b.c."""

    address: str
    port: int = DEFAULT_PORT
    color: str = "blue"
    version: str = "v1"

    @classmethod
    def parse(cls, text: str) -> "Site":
        """Read `ADDRESS:PORT:COLOR:VERSION`.

        Raises:
            ValueError: the text has another form.
        """
        address, port, color, version = text.split(":", 3)
        return cls(address, int(port), color, version)

    @property
    def target(self) -> str:
        return f"{self.address}:{self.port}"

    def __str__(self) -> str:
        return f"{self.address}:{self.port}:{self.color}:{self.version}"
