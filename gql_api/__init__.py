"""A GraphQL API server for students, courses, and who takes which."""

__version__ = "0.1.0"
