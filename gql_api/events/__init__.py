"""What is announced: committed events on their way from the outbox to the subscribers of this process.

`broker` reads each event once and hands it to all who wait for it, `subscriber` is one of these, `purge` removes what
nobody can ask for any more. No GraphQL and no transport here.
"""

from gql_api.events.broker import Broker
from gql_api.events.purge import Purge
from gql_api.events.subscriber import Interest, SubscriberTooSlow, Subscription

__all__ = ["Broker", "Interest", "Purge", "SubscriberTooSlow", "Subscription"]
