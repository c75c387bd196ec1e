from __future__ import annotations

import gzip
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gql_api.http.graphiql import BUNDLE, GraphiQL, accepts_gzip

PAGE = """\
<!doctype html>
<meta property="csp-nonce" nonce="GRAPHIQL_NONCE">
<script type="module" src="GRAPHIQL_ASSETS_PATH/main-1a2b.js" nonce="GRAPHIQL_NONCE"></script>
"""
SCRIPT = b"console.info('GraphiQL');\n" * 100
FONT = bytes(range(256))


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "main-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT))
    (tmp_path / "roboto-3c4d.woff2").write_bytes(FONT)
    (tmp_path / "recipe.sha256").write_text("0" * 64)
    return tmp_path


def client(graphiql: GraphiQL, endpoint_path: str = "/graphql") -> httpx.AsyncClient:
    async def page(_request: Request) -> Response:
        return graphiql.page()

    app = Starlette(routes=[Route(endpoint_path, page), *graphiql.routes])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://server.test")


class References(HTMLParser):
    """What a page loads, and whether it holds a script of its own."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.urls: list[str] = []
        self.inline_scripts = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        url = dict(attrs).get("src" if tag == "script" else "href")
        if url:
            self.urls.append(url)
        elif tag == "script":
            self.inline_scripts += 1


async def test_the_page_admits_its_own_origin_and_one_nonce_only(bundle: Path) -> None:
    async with client(GraphiQL(directory=bundle)) as http:
        response = await http.get("/graphql")

    [nonce] = set(re.findall(r'nonce="([^"]+)"', response.text))
    assert len(nonce) >= 22  # 128 bits in base64
    assert response.headers["Content-Security-Policy"].split("; ") == [
        "default-src 'none'",
        "script-src 'self'",
        "script-src-attr 'none'",
        f"style-src-elem 'self' 'nonce-{nonce}'",
        "style-src-attr 'unsafe-inline'",
        "font-src 'self' data:",
        "img-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Vary"] == "Accept"


async def test_no_two_pages_share_a_nonce(bundle: Path) -> None:
    graphiql = GraphiQL(directory=bundle)

    assert graphiql.page().headers["Content-Security-Policy"] != graphiql.page().headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("endpoint_path", "assets_path", "script"),
    [
        ("/graphql", "/graphiql", "graphiql/main-1a2b.js"),
        ("/graphql/", "/graphiql/", "../graphiql/main-1a2b.js"),
        ("/api/v1/graphql", "/static/graphiql", "../../static/graphiql/main-1a2b.js"),
        ("/", "/graphiql", "graphiql/main-1a2b.js"),
    ],
)
async def test_the_page_finds_its_files_from_any_path(
    bundle: Path, endpoint_path: str, assets_path: str, script: str
) -> None:
    graphiql = GraphiQL(endpoint_path=endpoint_path, assets_path=assets_path, directory=bundle)

    async with client(graphiql, endpoint_path) as http:
        page = await http.get(endpoint_path)
        [url] = References(page.text).urls
        response = await http.get(urljoin(endpoint_path, url))

    assert (url, response.content) == (script, SCRIPT)


async def test_a_file_is_kept_for_a_year_and_never_sniffed(bundle: Path) -> None:
    async with client(GraphiQL(directory=bundle)) as http:
        response = await http.get("/graphiql/roboto-3c4d.woff2")

    assert response.content == FONT
    assert dict(response.headers) == {
        "cache-control": "public, max-age=31536000, immutable",
        "content-length": "256",
        "content-security-policy": "default-src 'none'; script-src 'self'; frame-ancestors 'none'",
        "content-type": "font/woff2",
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
    }


@pytest.mark.parametrize(("accept_encoding", "content_encoding"), [("br, gzip", "gzip"), ("identity", None)])
async def test_a_compressed_file_reaches_every_client(
    bundle: Path, accept_encoding: str, content_encoding: str | None
) -> None:
    async with client(GraphiQL(directory=bundle)) as http:
        response = await http.get("/graphiql/main-1a2b.js", headers={"Accept-Encoding": accept_encoding})

    assert response.content == SCRIPT
    assert response.headers.get("Content-Encoding") == content_encoding
    assert response.headers["Vary"] == "Accept-Encoding"
    assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"


@pytest.mark.parametrize(
    ("accept_encoding", "accepted"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("deflate, gzip;q=0.5, br", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("deflate, br", False),
    ],
)
def test_gzip_goes_to_those_who_accept_it(accept_encoding: str, *, accepted: bool) -> None:
    assert accepts_gzip(accept_encoding) is accepted


@pytest.mark.parametrize(
    "path",
    [
        "/graphiql/absent.js",
        "/graphiql/index.html",  # a template, not a page
        "/graphiql/recipe.sha256",
        "/graphiql/main-1a2b.js.gz",
        "/graphiql/..%2f..%2fgraphiql.py",
        "/graphiql/%00",
        "/graphiql/",
    ],
)
async def test_only_files_of_the_bundle_are_served(bundle: Path, path: str) -> None:
    async with client(GraphiQL(directory=bundle)) as http:
        response = await http.get(path)

    assert response.status_code == 404


async def test_a_package_without_a_bundle_says_how_to_make_one(tmp_path: Path) -> None:
    graphiql = GraphiQL(directory=tmp_path / "absent")

    async with client(graphiql) as http:
        page = await http.get("/graphql")
        asset = await http.get("/graphiql/main-1a2b.js")

    assert not graphiql.is_bundled
    assert page.status_code == 200
    assert "make graphiql" in page.text
    assert "pip install" in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert asset.status_code == 404


@pytest.mark.skipif(not (BUNDLE / "index.html").exists(), reason="GraphiQL is not bundled: make graphiql")
async def test_the_bundled_page_loads_every_file_it_names() -> None:
    graphiql = GraphiQL()

    async with client(graphiql) as http:
        page = References((await http.get("/graphql")).text)
        answers: dict[str, Any] = {url: (await http.get(urljoin("/graphql", url))).status_code for url in page.urls}

    assert page.inline_scripts == 0
    assert answers == dict.fromkeys(page.urls, 200)
    assert {Path(url).suffix for url in page.urls} == {".css", ".js", ".svg"}


@pytest.mark.skipif(not (BUNDLE / "index.html").exists(), reason="GraphiQL is not bundled: make graphiql")
def test_every_file_of_the_bundle_is_served_with_its_type_and_bears_a_digest() -> None:
    served = GraphiQL().assets
    bundled = {path.name.removesuffix(".gz") for path in BUNDLE.iterdir()} - {"index.html", "recipe.sha256"}

    assert set(served) == bundled
    assert [name for name in served if not re.fullmatch(r".+-[\w-]{8}\.\w+", name)] == []
