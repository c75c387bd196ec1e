"""`python -m gql_api`: the command line."""

from gql_api.cli import main

if __name__ == "__main__":
    main()
