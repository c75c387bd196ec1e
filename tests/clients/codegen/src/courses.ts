import { GraphQLClient } from "graphql-request";
import { graphql } from "./gql";

const StudentCourses = graphql(`
  query StudentCourses($id: ID!, $after: String) {
    student(id: $id) {
      courses(first: 100, after: $after, orderBy: [{ field: TITLE, direction: DESC }]) {
        edges { assignedAt node { id title credits } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
`);

const AssignCourse = graphql(`
  mutation AssignCourse($input: AssignCourseInput!) {
    assignCourse(input: $input) {
      __typename
      ... on AssignCourseSuccess { assignedAt alreadyAssigned }
      ... on CourseFull { capacity }
      ... on Error { message }
    }
  }
`);

const client = new GraphQLClient("http://127.0.0.1:8000/graphql");

export async function titles(id: string): Promise<string[]> {
  const { student } = await client.request(StudentCourses, { id });
  return student?.courses.edges.map((edge) => edge.node.title) ?? [];
}

// Every member of the union is told apart by its __typename, and what is not the success has a message.
export async function assign(studentId: string, courseId: string): Promise<string> {
  const { assignCourse: result } = await client.request(AssignCourse, { input: { studentId, courseId } });
  switch (result.__typename) {
    case "AssignCourseSuccess":
      return `since ${result.assignedAt}`;
    case "CourseFull":
      return `${result.message} (${result.capacity.toFixed()})`;
    case "StudentNotFound":
    case "CourseNotFound":
      return result.message;
  }
}
