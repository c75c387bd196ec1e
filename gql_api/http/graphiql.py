"""GraphiQL, the in-browser editor: the page that the endpoint shows to browsers, and the files that the page loads.

Everything comes from the package; no request leaves the machine, and the Content-Security-Policies below hold the
browser to that. The files are made by `graphiql/bundle.py` when the package is built.
"""

from __future__ import annotations

import gzip
import html
import posixpath
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

BUNDLE: Final = Path(__file__).parent / "graphiql_assets"

# The words that graphiql/vite.config.js leaves in the page.
_NONCE_WORD: Final = "GRAPHIQL_NONCE"
_ASSETS_PATH_WORD: Final = "GRAPHIQL_ASSETS_PATH"

_MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".woff2": "font/woff2",
}

# Why each source stands here:
# - connect-src 'self': the endpoint itself, by fetch and by WebSocket (CSP 3 counts ws: of the same host as 'self').
# - style-src-elem nonce: Monaco writes its themes into style elements that it makes at run time.
# - style-src-attr 'unsafe-inline': Monaco renders lines as HTML with their positions in style attributes. Such an
#   attribute can fetch by url() alone, which img-src governs.
# - img-src and font-src data: Monaco's style sheets hold their squiggles, GraphiQL's its fonts, as data URLs.
# There is neither 'unsafe-eval' nor an inline script, and no other origin at all.
_PAGE_POLICY: Final = "; ".join([
    "default-src 'none'",
    "script-src 'self'",
    "script-src-attr 'none'",
    f"style-src-elem 'self' 'nonce-{_NONCE_WORD}'",
    "style-src-attr 'unsafe-inline'",
    "font-src 'self' data:",
    "img-src 'self' data:",
    "connect-src 'self'",
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
])  # fmt: skip

# A worker is held by the policy of its own response, not by the page's: Monaco's workers compute and fetch nothing.
_ASSET_POLICY: Final = "default-src 'none'; script-src 'self'; frame-ancestors 'none'"

_NOT_BUNDLED_POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

_NOT_BUNDLED_PAGE: Final = """\
<!doctype html>
<html lang="en">
<title>gql-api</title>
<h1>This is a GraphQL endpoint</h1>
<p>It answers queries as usual; only GraphiQL, its editor, is missing: when this package was built, Node or the npm
registry could not be reached. Once they can, bundle it and restart the server:</p>
<ul>
<li>in a checkout: <code>make graphiql</code></li>
<li>otherwise, install again from the checkout: <code>pip install --force-reinstall --no-deps .</code></li>
</ul>
</html>
"""


class Asset(NamedTuple):
    """One file of the bundle, held in memory in the one form in which the bundle keeps it."""

    content: bytes
    media_type: str
    gzipped: bool


class GraphiQL:
    """The page and its files, read once, when this is made (2 MB), and served from memory.

    Args:
        endpoint_path: Where the page is shown: the path of the GraphQL endpoint. The page sends its operations, and
            opens its subscriptions, to the address that it was loaded from.
        assets_path: Where the files are served, on the same origin. The page refers to them relatively, so both paths
            may stand behind a proxy's prefix.
        directory: The bundle. Without one, the page says how to bundle GraphiQL.
    """

    def __init__(
        self, *, endpoint_path: str = "/graphql", assets_path: str = "/graphiql", directory: Path = BUNDLE
    ) -> None:
        self.assets_path = assets_path.rstrip("/")
        self.assets = read_assets(directory)
        self._template = ""
        if self.is_bundled:
            relative_path = posixpath.relpath(self.assets_path, posixpath.dirname(endpoint_path))
            template = (directory / "index.html").read_text(encoding="utf-8")
            self._template = template.replace(_ASSETS_PATH_WORD, html.escape(relative_path))

    @property
    def is_bundled(self) -> bool:
        """Whether the package holds GraphiQL."""
        return bool(self.assets)

    @property
    def routes(self) -> list[Route]:
        """The files, as routes for the application: GET and HEAD below `assets_path`."""
        return [Route(f"{self.assets_path}/{{name}}", self.asset, methods=["GET"], name="graphiql_asset")]

    def page(self) -> HTMLResponse:
        """The page, made anew for each request: its policy holds a nonce, so it is not to be stored.

        `Vary: Accept` goes with it, for the endpoint shows it only to those who ask for HTML.
        """
        nonce = secrets.token_urlsafe(16)
        if self.is_bundled:
            content, policy = self._template.replace(_NONCE_WORD, nonce), _PAGE_POLICY.replace(_NONCE_WORD, nonce)
        else:
            content, policy = _NOT_BUNDLED_PAGE, _NOT_BUNDLED_POLICY
        return HTMLResponse(
            content,
            headers={
                "Cache-Control": "no-store",
                "Content-Security-Policy": policy,
                "Cross-Origin-Opener-Policy": "same-origin",
                "Referrer-Policy": "same-origin",
                "Vary": "Accept",
                "X-Content-Type-Options": "nosniff",
            },
        )

    async def asset(self, request: Request) -> Response:
        """One file. Its name holds a digest of its content, so a browser may keep it for a year without asking again.

        Raises:
            HTTPException: 404, there is no such file in the bundle.
        """
        asset = self.assets.get(request.path_params["name"])
        if asset is None:
            raise HTTPException(404)
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable",
            "Content-Security-Policy": _ASSET_POLICY,
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        }
        content = asset.content
        if asset.gzipped:
            headers["Vary"] = "Accept-Encoding"
            if accepts_gzip(request.headers.get("Accept-Encoding", "")):
                headers["Content-Encoding"] = "gzip"
            else:
                content = await run_in_threadpool(gzip.decompress, content)
        return Response(content, headers=headers, media_type=asset.media_type)


def read_assets(directory: Path) -> dict[str, Asset]:
    """The files of a bundle by the name under which they are asked for; none where there is no whole bundle."""
    if not (directory / "index.html").is_file():
        return {}
    assets = {}
    for path in directory.iterdir():
        gzipped = path.suffix == ".gz"
        name = path.stem if gzipped else path.name
        media_type = _MEDIA_TYPES.get(Path(name).suffix)
        if media_type is not None:
            assets[name] = Asset(path.read_bytes(), media_type, gzipped)
    return assets


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether an `Accept-Encoding` admits gzip (RFC 9110 §12.5.3): by name or by `*`, and not with weight 0."""
    weights = {}
    for entry in accept_encoding.lower().split(","):
        coding, _, parameter = entry.partition(";")
        weights[coding.strip()] = parameter.replace(" ", "").removeprefix("q=") or "1"
    weight = weights.get("gzip", weights.get("x-gzip", weights.get("*", "0")))
    return weight.strip("0.") != ""
