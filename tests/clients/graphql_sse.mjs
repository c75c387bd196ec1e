import { createClient } from "graphql-sse";

export function connect({ url, fetchFn }) {
  return createClient({ url, fetchFn });
}
