"""An OpenID Connect issuer on this machine, which tells what it was asked, and goes away when told so."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.identity.tokens import KeyPair, public_set

CONFIGURATION = "/.well-known/openid-configuration"
JWKS = "/keys"


class Issuer:
    """What the issuer answers.

    Attributes:
        keys: those that it publishes.
        answers: what it gives instead, by path: a status and a body.
        delay_seconds: how long it thinks about each answer.
        asked: the paths that were asked for.
    """

    def __init__(self, *keys: KeyPair) -> None:
        self.url = ""
        self.keys = keys
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.delay_seconds = 0.0
        self.asked: list[str] = []

    def answer(self, path: str) -> tuple[int, bytes]:
        self.asked.append(path)
        time.sleep(self.delay_seconds)
        configuration = {"issuer": self.url, "jwks_uri": self.url + JWKS}
        usual: dict[str, Any] = {CONFIGURATION: configuration, JWKS: public_set(*self.keys)}
        return self.answers.get(path) or ((200, json.dumps(usual[path]).encode()) if path in usual else (404, b""))


@contextmanager
def issuing(*keys: KeyPair) -> Iterator[Issuer]:
    """An issuer that publishes these keys, at a URL of its own."""
    issuer = Issuer(*keys)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = issuer.answer(self.path)
            self.send_response(status)
            self.send_header("Location", issuer.url + JWKS)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()
