"""The servers beside which this one is measured. Each gets `DATABASE_URL`, spelled as SQLAlchemy does."""
