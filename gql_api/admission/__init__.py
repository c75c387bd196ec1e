"""How many operations execute at once, how long each may take, and how much each caller may ask for in a minute.

Work beyond what a worker can do makes all of it slow, and the slowest worthless: its clients have gone. So a bounded
number executes, a bounded number waits in the order of arrival, and whoever comes then is told at once to come later.
"""

from gql_api.admission.admission import Admission
from gql_api.admission.deadlines import Deadlines
from gql_api.admission.places import Places
from gql_api.admission.rate_limit import RateLimit

__all__ = ["Admission", "Deadlines", "Places", "RateLimit"]
