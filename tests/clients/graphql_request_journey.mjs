import { connect } from "./graphql_request.mjs";
import { connect as connectEvents } from "./graphql_sse.mjs";
import { journey, observedFetch, print, school } from "./journey.mjs";

const client = connect({ url: school.url, fetch: observedFetch });
const events = connectEvents({ url: school.url });

async function* subscribe(query, variables) {
  for await (const { data, errors } of events.iterate({ query, variables })) {
    if (errors) throw new Error(JSON.stringify(errors));
    yield data;
  }
}

const request = (document, variables) => client.request(document, variables);
print(await journey({ query: request, mutate: request, subscribe }));
process.exit();
