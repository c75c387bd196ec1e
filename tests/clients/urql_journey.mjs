import { getIntrospectionQuery } from "graphql";
import { gql } from "urql";
import { STUDENT_COURSES } from "./documents.mjs";
import { iterate, journey, observedFetch, print, school } from "./journey.mjs";
import { connect } from "./urql.mjs";
import "./web_socket.mjs";

const introspection = await fetch(school.url, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ query: getIntrospectionQuery() }),
});
const client = connect({ url: school.url, schema: (await introspection.json()).data, fetch: observedFetch });

async function data(result) {
  const { data, error } = await result.toPromise();
  if (error) throw error;
  return data;
}

const seen = await journey({
  query: (query, variables) => data(client.query(query, variables, { requestPolicy: "network-only" })),
  mutate: (mutation, variables) => data(client.mutation(mutation, variables)),
  subscribe: (query, variables) =>
    iterate(({ next, error }) => {
      const results = client.subscription(query, variables);
      const { unsubscribe } = results.subscribe((one) => (one.error ? error(one.error) : next(one.data)));
      return unsubscribe;
    }),
});

// The mutation has changed the one copy of the course that the cache holds.
const id = school.studentId;
await data(client.query(STUDENT_COURSES, { id, first: 4 }, { requestPolicy: "network-only" }));
const leave = gql`
  mutation Leave($input: UnassignCourseInput!) {
    unassignCourse(input: $input) { ... on UnassignCourseSuccess { course { id seatsTaken } } }
  }
`;
await data(client.mutation(leave, { input: { studentId: id, courseId: school.openId } }));
const cached = await data(client.query(STUDENT_COURSES, { id, first: 4 }, { requestPolicy: "cache-only" }));
print({ ...seen, cached: cached.student.courses.edges.map(({ node }) => [node.title, node.seatsTaken]) });
process.exit();
