import { defineConfig } from "vite";

// Both words are filled in by gql_api/http/graphiql.py: the nonce for every answer, the path once.
const NONCE = "GRAPHIQL_NONCE";
const ASSETS_PATH = "GRAPHIQL_ASSETS_PATH";

export default defineConfig({
  html: { cspNonce: NONCE },
  // Scripts and style sheets name each other relatively, so the server may mount them anywhere.
  experimental: {
    renderBuiltUrl: (filename, { hostType }) =>
      hostType === "html" ? `${ASSETS_PATH}/${filename}` : { relative: true },
  },
  build: {
    target: "es2022",
    assetsDir: ".",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 4096, // Monaco is one chunk, loaded after the page has appeared
  },
  worker: { format: "es" },
});
