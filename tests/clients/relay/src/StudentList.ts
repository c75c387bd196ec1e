import { graphql } from "relay-runtime";

// A page backwards as well as forwards, on the root.
export const studentList = graphql`
  fragment StudentList_query on Query
  @refetchable(queryName: "StudentListPaginationQuery")
  @argumentDefinitions(
    first: { type: "Int" }
    after: { type: "String" }
    last: { type: "Int" }
    before: { type: "String" }
  ) {
    students(first: $first, after: $after, last: $last, before: $before) @connection(key: "StudentList_students") {
      edges {
        node {
          name
        }
      }
    }
  }
`;
