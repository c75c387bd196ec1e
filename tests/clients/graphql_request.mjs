import { GraphQLClient } from "graphql-request";

export function connect({ url, fetch = globalThis.fetch }) {
  return new GraphQLClient(url, { fetch });
}
