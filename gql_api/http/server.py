"""uvicorn, as it serves this program: the address taken, the limits set, the workers watched."""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import uvicorn
import uvicorn.supervisors

from gql_api.errors import AddressInUse
from gql_api.http.websocket_protocol import PING_INTERVAL_SECONDS, PING_TIMEOUT_SECONDS

BACKLOG: Final = 2048
"""Connections that may wait to be accepted."""

GRACEFUL_SHUTDOWN_SECONDS: Final = 10
"""How long requests in flight may take to finish after SIGTERM."""


def listen(host: str, port: int) -> socket.socket:
    """Take the address, so that whoever comes waits until it is served.

    Raises:
        AddressInUse: it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host.encode("idna"), port))
        listener.listen(BACKLOG)
    except (OSError, UnicodeError) as error:
        listener.close()
        reason = error.strerror if isinstance(error, OSError) else "not a host name"
        raise AddressInUse(
            f"Cannot listen on {shown(host)}:{port}: {reason}. Choose another --host or --port."
        ) from error
    listener.set_inheritable(True)
    return listener


def shown(host: str) -> str:
    """The host as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def run(
    listener: socket.socket,
    application: str,
    *,
    workers: int,
    message_bytes_max: int,
    keep_alive_seconds: int,
    trusted_proxies: Sequence[str] = (),
) -> bool:
    """Serve until a signal ends it.

    Args:
        listener: where connections come in.
        application: what makes the application, as `module:function`; each worker calls it.
        workers: how many processes serve.
        message_bytes_max: how large a message on a WebSocket may be.
        keep_alive_seconds: how long a connection may be idle between two requests.
        trusted_proxies: addresses and networks of peers whose `X-Forwarded-For` is believed; `*`: all.

    Returns:
        Whether the application started.
    """
    config = uvicorn.Config(
        application,
        factory=True,
        workers=workers,
        http="gql_api.http.protocol:BoundedHttpProtocol" if sys.implementation.name == "cpython" else "h11",
        ws="gql_api.http.websocket_protocol:AbortingWebSocketProtocol",
        ws_max_size=message_bytes_max,
        ws_ping_interval=PING_INTERVAL_SECONDS,
        ws_ping_timeout=PING_TIMEOUT_SECONDS,
        ws_per_message_deflate=False,  # for events of a few hundred bytes it costs more than it saves, for each peer
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips="*" if "*" in trusted_proxies else list(trusted_proxies),
        access_log=False,
        server_header=False,
        date_header=True,
        backlog=BACKLOG,
        timeout_keep_alive=keep_alive_seconds,
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
        log_level="info",
    )
    if workers > 1:
        _Supervisor(config, sockets=[listener]).run()
        return True
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):  # raised once more when everything has ended
        server.run(sockets=[listener])
    return server.started


class _Supervisor(uvicorn.supervisors.Multiprocess):
    """Starts the workers, and others in the place of those that die, until a signal ends it."""

    def terminate_all(self) -> None:
        # Otherwise who comes now would wait in the queue of a socket from which nobody takes any more.
        for listener in self.sockets:
            listener.close()
        super().terminate_all()
