"""A breadth-first executor for graphql-core and Strawberry.

A GraphQL executor usually goes depth first: it completes one object with everything below it, then the next. Every
field of every object costs a call, a path and often a coroutine, and to load rows together one has to hold each
object back with a future. This package goes breadth first, level by level:

    students(first: 50) { name courses { title } }

    level 0   the root           students   one call                       -> 50 rows
    level 1   50 students        name       one pass over the rows
                                 courses    one call with all 50 students  -> 50 lists of rows
    level 2   all their courses  title      one pass over the rows

A field that must look something up is declared ``@batched``: its function receives all objects of the level and
returns one value for each. Nothing is held back, so nothing is called or allocated per object but its result.

``plan`` compiles an operation once into a tree of selections, ``operation`` runs the levels from a queue,
``resolution`` gets a column of values for a field, ``completion`` completes it by the distinct classes in it, and
``propagation`` works out nulls, errors and paths if anything failed. What a plan cannot express goes to graphql-core.
"""

from gql_api.execution.batch_resolver import BatchResolver
from gql_api.execution.batched import batched
from gql_api.execution.executor import BreadthFirstExecutor
from gql_api.execution.fallback import Fallback
from gql_api.execution.leaf import serializer
from gql_api.execution.plan_cache import PlanCache
from gql_api.execution.runtime_type import by_class
from gql_api.execution.table import Parts, Table

__all__ = [
    "BatchResolver",
    "BreadthFirstExecutor",
    "Fallback",
    "Parts",
    "PlanCache",
    "Table",
    "batched",
    "by_class",
    "serializer",
]
