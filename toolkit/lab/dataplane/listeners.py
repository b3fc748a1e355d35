"""Listeners, and the bootstrap they hang from, as Envoy configuration. Pure.

A listener's resource stays the same over any change of its rules, so its connections are never drained for one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from toolkit.lab.dataplane.matching import SOURCE_HEADER, Json
from toolkit.lab.dataplane.model import Listener, LoadBalancer
from toolkit.lab.dataplane.routes import STATEFUL_FILTER, resource_name

LISTENER_TYPE = "type.googleapis.com/envoy.config.listener.v3.Listener"
LOOPBACK = "127.0.0.1"
EXTENSIONS = "type.googleapis.com/envoy.extensions"
MANAGER_TYPE = f"{EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager"
_STATEFUL_TYPE = f"{EXTENSIONS}.filters.http.stateful_session.v3.StatefulSession"
ROUTER_TYPE = f"{EXTENSIONS}.filters.http.router.v3.Router"
_FILE_LOG_TYPE = f"{EXTENSIONS}.access_loggers.file.v3.FileAccessLog"
_TLS_TYPE = f"{EXTENSIONS}.transport_sockets.tls.v3.DownstreamTlsContext"
_MUTATION_TYPE = f"{EXTENSIONS}.http.early_header_mutation.header_mutation.v3.HeaderMutation"

TARGET_FAILED_FLAGS = ("UF", "UC", "UR", "UPE")
"""Envoy's flags for a target that refused, closed, reset, or spoke nonsense: ALB answers 502."""

LOG_FIELDS = (
    "%START_TIME(%s)%",
    "%RESPONSE_CODE%",
    "%RESPONSE_FLAGS%",
    "%RESPONSE_CODE_DETAILS%",
    "%UPSTREAM_CLUSTER_RAW%",
    "%COMMON_DURATION(US_TX_END:US_RX_BEG:us)%",
)
"""Fields of one access log line, separated by single spaces; the load balancer's suffix follows as the last.

The duration is what ALB calls the target response time: request sent to the first byte of the answer.
"""


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM texts."""

    chain: str
    key: str


def listener(
    source: Listener, balancer: LoadBalancer, *, port: int, routes_path: str, log_path: str,
    certificate: Certificate | None = None,
) -> Json:  # fmt: skip
    """The listener resource; it listens on loopback at `port` and watches `routes_path` for its routes."""
    name = resource_name(source.arn)
    chain: Json = {"filters": [{"name": "http", "typed_config": _manager(name, balancer, routes_path, log_path)}]}
    if certificate is not None:
        chain["transport_socket"] = server_tls(certificate, protocols=("h2", "http/1.1"))
    return {
        "@type": LISTENER_TYPE,
        "name": name,
        "address": {"socket_address": {"address": LOOPBACK, "port_value": port}},
        "filter_chains": [chain],
        # Else two labs that choose one port at the same moment would silently share its requests.
        "enable_reuse_port": False,
    }


def _manager(name: str, balancer: LoadBalancer, routes_path: str, log_path: str) -> Json:
    return {
        "@type": MANAGER_TYPE,
        "stat_prefix": name,
        "rds": {
            "route_config_name": name,
            "config_source": {"path_config_source": {"path": routes_path}, "resource_api_version": "V3"},
        },
        "use_remote_address": True,
        "generate_request_id": False,
        "server_name": "awselb/2.0",
        "server_header_transformation": "APPEND_IF_ABSENT",
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "early_header_mutation_extensions": [_note_source()],
        "local_reply_config": {"mappers": [_bad_gateway()]},
        "access_log": [file_log(log_path, f"{' '.join(LOG_FIELDS)} {balancer.suffix}")],
        "http_filters": [
            # Does nothing but on the routes that ask for it.
            {"name": STATEFUL_FILTER, "typed_config": {"@type": _STATEFUL_TYPE}},
            {"name": "router", "typed_config": {"@type": ROUTER_TYPE, "suppress_envoy_headers": True}},
        ],
    }


def file_log(path: str, line: str) -> Json:
    """An access log that writes one `line` per entry to `path`."""
    line_format = {"text_format_source": {"inline_string": f"{line}\n"}}
    return {"name": "file", "typed_config": {"@type": _FILE_LOG_TYPE, "path": path, "log_format": line_format}}


def _note_source() -> Json:
    """Write the client's address into a header before the first route is tried."""
    header = {"key": SOURCE_HEADER, "value": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%"}
    mutation = {"append": {"header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}
    return {
        "name": "envoy.http.early_header_mutation.header_mutation",
        "typed_config": {"@type": _MUTATION_TYPE, "mutations": [mutation]},
    }


def _bad_gateway() -> Json:
    return {
        "filter": {"response_flag_filter": {"flags": list(TARGET_FAILED_FLAGS)}},
        "status_code": 502,
        "body": {"inline_string": "502 Bad Gateway\n"},
    }


def server_tls(certificate: Certificate, *, protocols: Sequence[str]) -> Json:
    """TLS towards the client, with the application protocols on offer."""
    pair = {
        "certificate_chain": {"inline_string": certificate.chain},
        "private_key": {"inline_string": certificate.key},
    }
    common = {"tls_certificates": [pair], "alpn_protocols": list(protocols)}
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {"@type": _TLS_TYPE, "common_tls_context": common},
    }


def bootstrap(*, listeners_path: str, clusters_path: str) -> Json:
    """What Envoy starts with: an admin port that the kernel chooses, and the two files to watch."""

    def source(path: str) -> Json:
        return {"path_config_source": {"path": path}, "resource_api_version": "V3"}

    return {
        "node": {"id": "lab", "cluster": "lab"},
        "admin": {"address": {"socket_address": {"address": LOOPBACK, "port_value": 0}}},
        "dynamic_resources": {"lds_config": source(listeners_path), "cds_config": source(clusters_path)},
    }
