"""A GraphQL API server for students, courses, and who takes which."""
