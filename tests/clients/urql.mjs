import { cacheExchange } from "@urql/exchange-graphcache";
import { relayPagination } from "@urql/exchange-graphcache/extras";
import { persistedExchange } from "@urql/exchange-persisted";
import { createClient } from "graphql-ws";
import { Client, fetchExchange, subscriptionExchange } from "urql";

export function connect({ url, schema, fetch }) {
  const webSocket = createClient({ url: url.replace(/^http/, "ws") });
  return new Client({
    url,
    fetch,
    preferGetMethod: false,
    fetchOptions: { headers: { "graphql-require-preflight": "true" } },
    exchanges: [
      // The answer to `introspectionQuery`, kept as a file: from it the cache knows interfaces and unions.
      cacheExchange({
        schema,
        resolvers: {
          Query: { students: relayPagination(), courses: relayPagination() },
          Student: { courses: relayPagination() },
          Course: { students: relayPagination() },
        },
      }),
      // Sends hashes in place of queries, by GET, so that browsers and proxies can revalidate the answers.
      persistedExchange({ preferGetForPersistedQueries: true }),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({ unsubscribe: webSocket.subscribe({ query, variables }, sink) }),
        }),
      }),
    ],
  });
}
