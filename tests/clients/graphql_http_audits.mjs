// Runs every server audit of graphql-http against a URL and prints their results as JSON.
// With --require-preflight, GET requests carry the header by which the server's CSRF prevention knows them.
import { auditServer } from "graphql-http";

const [url, option] = process.argv.slice(2);

function fetchWithPreflightHeader(input, init = {}) {
  const isGet = (init.method ?? "GET") === "GET";
  const headers = isGet ? { ...init.headers, "apollo-require-preflight": "true" } : init.headers;
  return fetch(input, { ...init, headers });
}

const fetchFn = option === "--require-preflight" ? fetchWithPreflightHeader : fetch;
const results = await auditServer({ url, fetchFn });
console.log(JSON.stringify(results.map(({ id, name, status, reason }) => ({ id, name, status, reason }))));
