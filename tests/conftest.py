pytest_plugins = ["tests.database_fixtures", "tests.server"]
