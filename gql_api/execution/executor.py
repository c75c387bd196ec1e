"""The executor that graphql-core and Strawberry take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from graphql import GraphQLError
from graphql.execution import Executor
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from gql_api.execution.fallback import Fallback
from gql_api.execution.lacking import let_be_lacking
from gql_api.execution.operation import Operation
from gql_api.execution.plan_cache import PlanCache

if TYPE_CHECKING:
    from graphql import (
        DocumentNode,
        ExecutionResult,
        GraphQLField,
        GraphQLObjectType,
        GraphQLResolveInfo,
        GraphQLSchema,
    )
    from graphql.language import FieldNode
    from graphql.pyutils import AwaitableOrValue, Path

    from gql_api.execution.plan import Plan

_PLANS = "gql_api.execution.plans"


class BreadthFirstExecutor(StrawberryGraphQLCoreExecutionContext):
    """Executes an operation level by level: every field is resolved once for all the objects of its level.

    It is passed as ``executor_class`` to graphql-core's ``execute`` and as ``execution_context_class`` to a Strawberry
    ``Schema``. An operation that it cannot plan (see ``Fallback``) is executed by graphql-core, whose executor it
    extends; that is decided before the first resolver runs, and counted.

    Plans live in a ``PlanCache``. Used bare, the class keeps one per schema, in the schema's ``extensions``;
    ``with_plans`` binds one that the application made and can watch.
    """

    _bound_plans: ClassVar[PlanCache | None] = None

    @classmethod
    def with_plans(cls, plans: PlanCache) -> type[BreadthFirstExecutor]:
        """Return this class bound to a cache of plans."""
        return type(cls.__name__, (cls,), {"_bound_plans": plans, "__module__": cls.__module__})

    @property
    def plans(self) -> PlanCache:
        """The cache that this executor finds its plans in."""
        if self._bound_plans is not None:
            return self._bound_plans
        plans = self.schema.extensions.get(_PLANS)
        if plans is None:
            plans = self.schema.extensions[_PLANS] = PlanCache()
        return cast("PlanCache", plans)

    @classmethod
    def build(  # noqa: PLR0917  graphql-core's signature
        cls,
        schema: GraphQLSchema,
        document: DocumentNode,
        root_value: Any = None,
        context_value: Any = None,
        raw_variable_values: dict[str, Any] | None = None,
        operation_name: str | None = None,
        *arguments: Any,
        hide_suggestions: bool = False,
        **options: Any,
    ) -> Any:
        """Build an executor as graphql-core does, or a list of the errors that say why there is none (spec §6.1).

        Where plans are bound and no rarer option is given, what is known of the document is used.
        """
        plans = None if arguments or options else cls._bound_plans
        prepared = None if plans is None else plans.preparations.find(schema, document, operation_name)
        if prepared is not None:
            values = prepared.coerce(raw_variable_values or {})
            if values is not None:
                state = prepared.state.copy()
                state["root_value"] = root_value
                state["context_value"] = context_value
                state["variable_values"] = values
                state["hide_suggestions"] = hide_suggestions
                executor = cls.__new__(cls)
                executor.__dict__ = state
                return executor
        if hide_suggestions:
            options["hide_suggestions"] = True
        built = super().build(
            schema, document, root_value, context_value, raw_variable_values, operation_name, *arguments, **options
        )
        if plans is not None and prepared is None and isinstance(built, Executor):
            plans.preparations.keep(built, document, operation_name)
            let_be_lacking(cls, built.__dict__)
        return built

    def execute_operation(self, serially: bool | None = None) -> AwaitableOrValue[Any]:  # noqa: FBT001  graphql-core's
        """Execute the operation (spec §6.2); a result if nothing had to be awaited, else an awaitable of it."""
        plan = self._find_plan()
        if isinstance(plan, Fallback):
            self.plans.fallbacks[plan] += 1
            return super().execute_operation(serially)
        result: AwaitableOrValue[ExecutionResult] = Operation(self, plan).execute(serially=serially)
        return result

    def build_resolve_info(
        self, field_def: GraphQLField, field_nodes: list[FieldNode], parent_type: GraphQLObjectType, path: Path
    ) -> GraphQLResolveInfo[Any]:
        """Build the info that resolvers of the schema expect: Strawberry's has more than graphql-core's."""
        is_strawberrys = hasattr(self.schema, "_strawberry_schema")
        base = StrawberryGraphQLCoreExecutionContext if is_strawberrys else Executor
        return base.build_resolve_info(self, field_def, field_nodes, parent_type, path)

    def _find_plan(self) -> Plan | Fallback:
        if self.abort_signal is not None:
            return Fallback.ABORT_SIGNAL
        if self.hooks is not None:
            return Fallback.HOOKS
        if self.middleware_manager is not None and self.middleware_manager.middlewares:
            return Fallback.MIDDLEWARE
        try:
            return self.plans.find(self)
        except (GraphQLError, RecursionError):
            return Fallback.NOT_EXECUTABLE
