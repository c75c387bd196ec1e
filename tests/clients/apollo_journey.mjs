import { gql } from "@apollo/client";
import { filter, firstValueFrom, ReplaySubject } from "rxjs";
import "./web_socket.mjs";
import { connect } from "./apollo.mjs";
import { STUDENT_COURSES } from "./documents.mjs";
import { iterate, journey, observedFetch, print, school } from "./journey.mjs";
import { possibleTypes } from "./possible_types.mjs";

const client = connect({
  url: school.url,
  possibleTypes: await possibleTypes(school.url),
  fetch: observedFetch,
});

const seen = await journey({
  query: async (query, variables) =>
    (await client.query({ query: gql(query), variables, fetchPolicy: "no-cache" })).data,
  mutate: async (mutation, variables) => (await client.mutate({ mutation: gql(mutation), variables })).data,
  subscribe: (query, variables) =>
    iterate(({ next, error }) => {
      const results = client.subscribe({ query: gql(query), variables });
      const subscription = results.subscribe({ next: (one) => (one.error ? error(one.error) : next(one.data)), error });
      return () => subscription.unsubscribe();
    }),
});

// Pages that are fetched by cursor grow into one list in the cache.
const variables = { id: school.studentId, first: 1 };
await client.clearStore();
const list = client.watchQuery({ query: gql(STUDENT_COURSES), variables });
const watched = new ReplaySubject(1);
const subscription = list.subscribe(watched);
const edges = (result) => result.data?.student?.courses?.edges ?? [];
let page = await firstValueFrom(watched.pipe(filter((result) => !result.loading)));
while (page.data.student.courses.pageInfo.hasNextPage) {
  page = await list.fetchMore({ variables: { after: page.data.student.courses.pageInfo.endCursor } });
}
const whole = await firstValueFrom(watched.pipe(filter((result) => edges(result).length === 4)));
const grown = edges(whole).map((edge) => edge.node.title);
subscription.unsubscribe();

// The cache knows each object once, by its id, and takes fragments on interfaces from `possibleTypes`.
await client.mutate({
  mutation: gql`
    mutation Leave($input: UnassignCourseInput!) {
      unassignCourse(input: $input) { ... on UnassignCourseSuccess { course { id seatsTaken } } }
    }
  `,
  variables: { input: { studentId: school.studentId, courseId: school.openId } },
});
const cached = client.cache.readFragment({
  id: client.cache.identify({ __typename: "Course", id: school.openId }),
  fragment: gql`fragment Cached on Node { id ... on Course { title seatsTaken } }`,
});
print({ ...seen, grown, cached });
client.stop();
process.exit();
