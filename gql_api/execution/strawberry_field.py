"""What Strawberry knows of a field beyond graphql-core: its attribute, its batch function, its Python arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from inspect import Parameter, Signature
from itertools import repeat
from operator import attrgetter
from typing import TYPE_CHECKING, Any, get_args, get_origin, overload

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import convert_arguments
from strawberry.types.cast import TYPE_CAST_ATTRIBUTE
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from gql_api.execution.batched import Batcher, resolve_one

if TYPE_CHECKING:
    from graphql import GraphQLField, GraphQLNamedType, GraphQLResolveInfo, GraphQLSchema
    from strawberry.extensions import FieldExtension
    from strawberry.permission import BasePermission

    BatchCall = Callable[..., Any]


class _ElementAnnotation(StrawberryAnnotation):
    """The ``T`` of a ``list[T]``, evaluated when Strawberry asks for it, as names in it may not exist before."""

    def evaluate(self) -> type:
        annotation: Any = super().evaluate()
        if get_origin(annotation) not in (list, Sequence):
            raise TypeError(f"A batched field returns list[T] or Sequence[T], one T per source, not {annotation!r}.")
        element: type = get_args(annotation)[0]
        return element


class BatchedResolver(StrawberryResolver[Any]):
    """A batch function as Strawberry sees a resolver: without its first parameter, returning one element."""

    def __init__(self, func: Callable[..., Any], *, description: str | None = None, type_override: Any = None) -> None:
        if isinstance(func, classmethod):
            raise TypeError("A batched field is a plain function or a static method, not a class method.")
        super().__init__(func, description=description, type_override=type_override)
        parameters = list(Signature.from_callable(self._unbound_wrapped_func).parameters.values())
        if not parameters or parameters[0].kind not in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD):
            raise TypeError(f"The first parameter of batched field '{self.name}' must take the sources by position.")

    @cached_property
    def signature(self) -> Signature:
        """The function's signature without its sources."""
        signature = super().signature
        return signature.replace(parameters=list(signature.parameters.values())[1:])

    @cached_property
    def type_annotation(self) -> StrawberryAnnotation | None:
        """The type of one element of the list that the function returns."""
        if self.signature.return_annotation is Signature.empty:
            return None
        return _ElementAnnotation(self.signature.return_annotation, namespace=self._namespace)


class BatchedField(StrawberryField):
    """A Strawberry field whose resolver takes the sources of a whole level."""

    def __call__(self, resolver: Any) -> BatchedField:
        """Take the batch function."""
        super().__call__(resolver if isinstance(resolver, StrawberryResolver) else BatchedResolver(resolver))
        return self

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Resolve the field for one source: the way of every executor but the breadth-first one."""
        del args

        def call(sources: list[Any]) -> Any:
            return self.resolve_batch(sources, kwargs)

        return resolve_one(self._batcher, call, source, info._raw_info)  # noqa: SLF001  Strawberry's Info wraps it

    def resolve_batch(self, sources: list[Any], kwargs: dict[str, Any]) -> Any:
        """Call the function with the sources of a level and its other arguments in Python."""
        resolver: Any = self.base_resolver
        return resolver(sources, **kwargs)

    @cached_property
    def _batcher(self) -> Batcher | None:
        return Batcher() if self.is_async else None


@overload
def batched(function: Callable[..., Any], /) -> Any: ...
@overload
def batched(
    *,
    name: str | None = None,
    description: str | None = None,
    deprecation_reason: str | None = None,
    permission_classes: list[type[BasePermission]] | None = None,
    directives: Sequence[object] = (),
    metadata: Mapping[Any, Any] | None = None,
    extensions: list[FieldExtension] | None = None,
    graphql_type: Any | None = None,
) -> Callable[[Callable[..., Any]], Any]: ...
def batched(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    deprecation_reason: str | None = None,
    permission_classes: list[type[BasePermission]] | None = None,
    directives: Sequence[object] = (),
    metadata: Mapping[Any, Any] | None = None,
    extensions: list[FieldExtension] | None = None,
    graphql_type: Any | None = None,
) -> Any:
    """Make a field of a Strawberry type out of a function that resolves it for many objects at once.

    The first parameter receives all sources of the level: what the parents' resolvers returned, in order, at a root
    type the root value alone. The function returns, or is awaited for, one value per source, in order; an exception
    in the place of a value is that object's error, one that is raised is the error of all of them. For the return
    annotation ``list[T]`` the field's type is ``T``. ``info`` is passed where it is declared; its ``path`` has no list
    indices. Arguments are converted once::

        @strawberry.type
        class Student:
            name: str

            @batched
            async def courses(students: Sequence[StudentRow], info: strawberry.Info, first: int = 20) -> list[Page]:
                return await info.context.courses_of(students, first)

    The options are those of ``strawberry.field``. With ``extensions`` or ``permission_classes``, which Strawberry runs
    per object, the field is resolved per object as well, and batched as under any other executor (see ``Batcher``).
    """
    field = BatchedField(
        graphql_name=name,
        type_annotation=StrawberryAnnotation.from_annotation(graphql_type),
        description=description,
        deprecation_reason=deprecation_reason,
        permission_classes=permission_classes or [],
        directives=directives,
        metadata=metadata,
        extensions=extensions or [],
    )
    return field if function is None else field(function)


def strawberry_definition(element: GraphQLNamedType | GraphQLField) -> Any:
    """Return what Strawberry made an element of the schema from, None if it was not Strawberry."""
    return element.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)


def attribute_getter(definition: GraphQLField) -> Callable[[Any], Any] | None:
    """Return what takes a plain attribute field from its source, None if the field is no plain attribute."""
    field = strawberry_definition(definition)
    if (
        not isinstance(field, StrawberryField)
        or not field.is_basic_field
        or not getattr(definition.resolve, "_is_default", False)
        or type(field).get_result is not StrawberryField.get_result
        or field.default_resolver is not getattr
    ):
        return None
    getter: Callable[[Any], Any] = attrgetter(field.python_name)
    return getter


def strawberry_batch(definition: GraphQLField, schema: GraphQLSchema) -> BatchCall | None:
    """Return a batched field's function as ``function(sources, info, **arguments)``, None if it is none."""
    field = strawberry_definition(definition)
    strawberry_schema: strawberry.Schema | None = getattr(schema, "_strawberry_schema", None)
    if not isinstance(field, BatchedField) or field.extensions or strawberry_schema is None:
        return None
    converter, config = strawberry_schema.schema_converter, strawberry_schema.config
    resolver = field.base_resolver
    if converter.exception_handlers or resolver is None:
        return None
    info_parameter = resolver.info_parameter

    def call(sources: list[Any], info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        strawberry_info = config.info_class(_raw_info=info, _field=field)
        kwargs = convert_arguments(
            arguments,
            field.arguments,
            scalar_registry=converter.scalar_registry,
            config=config,
            info=strawberry_info,
        )
        if info_parameter is not None:
            kwargs[info_parameter.name] = strawberry_info
        return field.resolve_batch(sources, kwargs)

    return call


def may_be_cast(kind: type, values: Iterable[Any]) -> bool:
    """Tell whether instances of a class among the values went through ``strawberry.cast``."""
    if kind.__dictoffset__ == 0 and not hasattr(kind, TYPE_CAST_ATTRIBUTE):
        return False
    return any(map(hasattr, values, repeat(TYPE_CAST_ATTRIBUTE)))
