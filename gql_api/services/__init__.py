"""What may happen: functions that take an open unit of work. No GraphQL, no HTTP, and none of them commits."""
