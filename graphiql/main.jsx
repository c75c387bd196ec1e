import "./style_nonce.js";
import "./workers.js";
import "graphiql/style.css";
import "./page.css";

import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";

import welcome from "./welcome.graphql?raw";

// The page is served by the endpoint itself, so the endpoint is wherever the page is: behind any proxy, under any prefix.
const endpoint = new URL(window.location.pathname, window.location.href);
const subscriptions = new URL(endpoint);
subscriptions.protocol = endpoint.protocol === "https:" ? "wss:" : "ws:";

const fetcher = createGraphiQLFetcher({
  url: endpoint.href,
  subscriptionUrl: subscriptions.href,
  enableIncrementalDelivery: false,
});

// A link to the page may carry an operation, by the names that GraphQL over HTTP gives its parameters.
const link = new URLSearchParams(window.location.search);

createRoot(document.getElementById("graphiql")).render(
  <GraphiQL
    fetcher={fetcher}
    defaultQuery={welcome}
    initialQuery={link.get("query") ?? undefined}
    initialVariables={link.get("variables") ?? undefined}
    operationName={link.get("operationName") ?? undefined}
    inputValueDeprecation
    schemaDescription
    shouldPersistHeaders={false}
    showPersistHeadersSettings={false}
  >
    <GraphiQL.Logo>gql-api</GraphiQL.Logo>
  </GraphiQL>,
);
