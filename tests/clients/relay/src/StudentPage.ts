import { graphql } from "relay-runtime";

export const studentPage = graphql`
  query StudentPageQuery($id: ID!) {
    student(id: $id) {
      ...StudentCourses_student
    }
  }
`;

export const assignCourse = graphql`
  mutation StudentPageAssignCourseMutation($input: AssignCourseInput!) {
    assignCourse(input: $input) {
      __typename
      ... on AssignCourseSuccess {
        course {
          ...CourseRow_course
        }
      }
      ... on Error {
        message
      }
    }
  }
`;

export const courseAssignments = graphql`
  subscription StudentPageCourseAssignmentsSubscription($studentId: ID!, $after: ID) {
    courseAssignments(studentId: $studentId, after: $after) {
      id
      kind
      course {
        ...CourseRow_course
      }
    }
  }
`;
