// The operations that every client of this folder runs.

export const STUDENT_COURSES = `
  query StudentCourses($id: ID!, $first: Int!, $after: String) {
    student(id: $id) {
      id
      name
      courses(first: $first, after: $after) {
        edges { cursor assignedAt node { id title seatsTaken } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
`;

export const ASSIGN_COURSE = `
  mutation AssignCourse($input: AssignCourseInput!) {
    assignCourse(input: $input) {
      __typename
      ... on AssignCourseSuccess { alreadyAssigned course { id seatsTaken } }
      ... on CourseFull { capacity }
      ... on Error { message }
    }
  }
`;

export const COURSE_ASSIGNMENTS = `
  subscription CourseAssignments($studentId: ID, $after: ID) {
    courseAssignments(studentId: $studentId, after: $after) {
      id
      kind
      student { id name }
      course { id title }
    }
  }
`;
