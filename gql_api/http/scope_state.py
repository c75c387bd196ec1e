"""What is passed between the server and the application in a scope's `state`, by which names."""

from __future__ import annotations

from typing import Final

ADMISSION: Final = "gql_api.admission"
"""In the state of the application's lifespan: its `Admission`."""

ON_SHUTDOWN: Final = "gql_api.on_shutdown"
"""In the state of a request: what to call if the server shuts down before it is answered."""

BODY: Final = "gql_api.body"
"""In the state of a request: its body, if all of it had arrived when the application was called; to be emptied."""

ON_DEPARTURE: Final = "gql_api.on_departure"
"""In the state of a request: what to call if its client leaves before it is answered."""
