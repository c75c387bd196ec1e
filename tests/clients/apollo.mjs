import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { relayStylePagination } from "@apollo/client/utilities";
import { OperationTypeNode } from "graphql";
import { createClient } from "graphql-ws";
import { sha256 } from "./sha256.mjs";

const courses = relayStylePagination(["filter", "orderBy"]);
const students = relayStylePagination(["filter", "orderBy"]);

export function connect({ url, possibleTypes, fetch }) {
  const http = ApolloLink.from([
    // Sends hashes in place of queries, by GET, so that browsers and proxies can revalidate the answers.
    new PersistedQueryLink({ sha256, useGETForHashedQueries: true }),
    new HttpLink({ uri: url, headers: { "apollo-require-preflight": "true" }, fetch }),
  ]);
  const webSocket = new GraphQLWsLink(createClient({ url: url.replace(/^http/, "ws") }));
  return new ApolloClient({
    link: ApolloLink.split((operation) => operation.operationType === OperationTypeNode.SUBSCRIPTION, webSocket, http),
    cache: new InMemoryCache({
      possibleTypes,
      typePolicies: {
        Query: { fields: { students, courses } },
        Student: { fields: { courses } },
        Course: { fields: { students } },
      },
    }),
  });
}
