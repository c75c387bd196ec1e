import { graphql } from "relay-runtime";

// Pages of the courses of one student: refetched by `node(id:)`, from the cursor of the page before.
export const studentCourses = graphql`
  fragment StudentCourses_student on Student
  @refetchable(queryName: "StudentCoursesPaginationQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 2 }, cursor: { type: "String" }) {
    name
    courses(first: $count, after: $cursor, orderBy: [{ field: TITLE }])
      @connection(key: "StudentCourses_courses", filters: ["orderBy"]) {
      edges {
        assignedAt
        node {
          id
          ...CourseRow_course
        }
      }
    }
  }
`;

export const courseRow = graphql`
  fragment CourseRow_course on Course @refetchable(queryName: "CourseRowRefetchQuery") {
    title
    seatsTaken
  }
`;
