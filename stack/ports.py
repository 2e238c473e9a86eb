"""The ports of the system: chosen by environment variables, and checked before anything is started."""

import random
import socket
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, fields

from stack.console import StackError

DESCRIPTIONS = {
    "odoo": "Odoo",
    "gevent": "Odoo's websocket worker",
    "web": "the reverse proxy of Odoo",
    "pg": "PostgreSQL",
    "prometheus": "Prometheus",
    "alertmanager": "Alertmanager",
    "ai": "the AI image service",
    "kyc": "the KYC provider",
    "n8n": "n8n",
    "redis": "Redis",
    "receiver": "the receiver of alerts",
    "smtp": "the receiver of mail",
    "victoria_5m": "VictoriaMetrics of the 5-minute tier",
    "victoria_1h": "VictoriaMetrics of the 1-hour tier",
    "node": "the exporter of the host",
    "process": "the exporter of processes",
    "postgres_exporter": "the exporter of PostgreSQL",
    "slow_queries": "the exporter of slow queries",
    "blackbox": "the exporter of probes",
    "gpu": "the GPU exporter",
    "backup": "the exporter of backups",
}
_BELOW_EPHEMERAL = range(20_000, 32_768)
"""Ports below the range from which Linux assigns ephemeral ports (`net.ipv4.ip_local_port_range`)."""


@dataclass(frozen=True)
class Ports:
    """One port for each server; all of them on 127.0.0.1."""

    odoo: int = 8069
    gevent: int = 8072
    web: int = 8060
    pg: int = 5433
    prometheus: int = 9090
    alertmanager: int = 9093
    ai: int = 8090
    kyc: int = 8091
    n8n: int = 5678
    redis: int = 6379
    receiver: int = 8092
    smtp: int = 8025
    victoria_5m: int = 8428
    victoria_1h: int = 8429
    node: int = 9100
    process: int = 9256
    postgres_exporter: int = 9187
    slow_queries: int = 3903
    blackbox: int = 9115
    gpu: int = 9835
    backup: int = 9836

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Ports":
        """Return the defaults, overridden by IG_ODOO_PORT and the other IG_*_PORT variables."""
        chosen = {}
        for field in fields(cls):
            text = environment.get(variable(field.name))
            if text:
                if not text.isdigit() or not 0 < int(text) < 65536:
                    raise StackError(f"{variable(field.name)}={text} is not a port: give a number from 1 to 65535.")
                chosen[field.name] = int(text)
        ports = cls(**chosen)
        by_number: dict[int, str] = {}
        for field in fields(cls):
            number = getattr(ports, field.name)
            other = by_number.setdefault(number, field.name)
            if other != field.name:
                raise StackError(
                    f"Port {number} is set for both {DESCRIPTIONS[other]} and {DESCRIPTIONS[field.name]}: change "
                    f"{variable(other)} or {variable(field.name)}."
                )
        return ports

    @classmethod
    def free(cls) -> "Ports":
        """Return ports that no process listens on now."""
        return cls._reserve(1, lambda: 0)[0]

    @classmethod
    def distinct(cls, number: int) -> list["Ports"]:
        """Return the ports of that many systems, without duplicates.

        No process listens on them now, and the kernel does not assign them as ephemeral ports.
        """
        return cls._reserve(number, lambda: random.choice(_BELOW_EPHEMERAL))

    @classmethod
    def _reserve(cls, number: int, propose: Callable[[], int]) -> list["Ports"]:
        with ExitStack() as held:

            def port() -> int:
                while True:
                    listener = held.enter_context(socket.socket())
                    with suppress(OSError):
                        listener.bind(("127.0.0.1", propose()))
                        return int(listener.getsockname()[1])

            return [cls(**{field.name: port() for field in fields(cls)}) for _number in range(number)]

    def variables(self) -> dict[str, str]:
        """Return the environment variables that choose these ports."""
        return {variable(name): str(number) for name, number in asdict(self).items()}

    def check(self, names: Iterable[str]) -> None:
        """Raise StackError for the first of the named ports that another program holds."""
        for name in names:
            number = getattr(self, name)
            with socket.socket() as listener:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    listener.bind(("127.0.0.1", number))
                except OSError as error:
                    raise StackError(
                        f"Port {number}, for {DESCRIPTIONS[name]}, is not available ({error.strerror})"
                        f"{_holder(number)}.\n"
                        f"Stop what uses it, or choose another port: {variable(name)}={number + 1} make demo"
                    ) from error


def variable(name: str) -> str:
    """Return the environment variable that sets the port of that name."""
    return f"IG_{name.upper()}_PORT"


def _holder(number: int) -> str:
    """Say who listens on a port, as far as this user may know."""
    import psutil

    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == number and connection.pid:
                return f": {psutil.Process(connection.pid).name()} (process {connection.pid}) holds it"
    except psutil.Error:
        pass
    return ""
