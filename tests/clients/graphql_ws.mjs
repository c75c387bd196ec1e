import { createClient } from "graphql-ws";

const RETRY_MILLISECONDS = 1000;

// By itself the client would subscribe again as it did at first, with the `after` of then: see courseAssignments.
export function connect({ url }) {
  return createClient({ url: url.replace(/^http/, "ws"), retryAttempts: 0 });
}

// Events without gaps or repeats, also over lost connections: each new one resumes after the last event that was seen.
export async function* courseAssignments(client, query, variables) {
  let after = variables.after;
  for (;;) {
    try {
      for await (const { data, errors } of client.iterate({ query, variables: { ...variables, after } })) {
        if (errors) throw new Error(errors[0].message);
        after = data.courseAssignments.id;
        yield data;
      }
      return;
    } catch (failure) {
      const isRefused = failure instanceof Error || Array.isArray(failure) || (failure.code >= 4400 && failure.code < 4500);
      if (isRefused) throw failure;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MILLISECONDS));
    }
  }
}
