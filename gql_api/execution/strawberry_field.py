"""What Strawberry knows of a field beyond graphql-core: its attribute, its batch function, its Python arguments."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from graphql import is_leaf_type, is_non_null_type
from strawberry.relay import GlobalID
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import StrawberryArgument, convert_argument
from strawberry.types.base import StrawberryMaybe, StrawberryOptional
from strawberry.types.cast import TYPE_CAST_ATTRIBUTE
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from gql_api.execution.batched import BatchedField

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import strawberry
    from graphql import GraphQLField, GraphQLInputType, GraphQLNamedType, GraphQLResolveInfo, GraphQLSchema


def strawberry_definition(element: GraphQLNamedType | GraphQLField) -> Any:
    """Return what Strawberry made an element of a schema from, None if it was not Strawberry."""
    return element.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)


def attribute_name(definition: GraphQLField, schema: GraphQLSchema) -> str | None:
    """Return the attribute that a field takes from its source, None if the field is no plain attribute."""
    field = strawberry_definition(definition)
    if not _is_unwrapped(field, schema) or not field.is_basic_field or field.default_resolver is not getattr:
        return None
    name: str = field.python_name
    return name


def plain_resolver(definition: GraphQLField, schema: GraphQLSchema) -> Callable[[Any], Any] | None:
    """Return the function of a field whose resolver takes ``self`` and nothing else, None if it takes more."""
    field = strawberry_definition(definition)
    if not _is_unwrapped(field, schema) or isinstance(field, BatchedField) or field.is_subscription:
        return None
    resolver: Any = field.base_resolver
    takes_self_alone = resolver is not None and resolver.self_parameter and len(resolver.signature.parameters) == 1
    if not takes_self_alone or type(resolver) is not StrawberryResolver:
        return None
    function: Any = resolver.wrapped_func
    return cast("Callable[[Any], Any]", function)


class StrawberryFunction:
    """The function behind a Strawberry field, and how the arguments of GraphQL become its own."""

    def __init__(self, field: StrawberryField, definition: GraphQLField, schema: strawberry.Schema) -> None:
        resolver: Any = field.base_resolver
        self._field = field
        self._function: Callable[..., Any] = resolver
        self._info_class = schema.config.info_class
        self._info_name = resolver.info_parameter.name if resolver.info_parameter is not None else None
        self._arguments = [_Argument.of(argument, definition, schema) for argument in field.arguments]
        self.takes_info = self._info_name is not None or any(argument.convert for argument in self._arguments)

    def _keywords(self, info: GraphQLResolveInfo[Any] | None, arguments: dict[str, Any]) -> dict[str, Any]:
        strawberry_info = self._info_class(_raw_info=info, _field=self._field) if info is not None else None
        keywords: dict[str, Any] = {}
        for argument in self._arguments:
            if argument.name in arguments:
                value = arguments[argument.name]
                convert = argument.convert
                keywords[argument.python_name] = value if convert is None else convert(value, strawberry_info)
        if self._info_name is not None:
            keywords[self._info_name] = strawberry_info
        return keywords


class StrawberryBatch(StrawberryFunction):
    """The function of a batched field, called with the sources of a level."""

    def __init__(self, field: BatchedField, definition: GraphQLField, schema: strawberry.Schema) -> None:
        super().__init__(field, definition, schema)
        self.is_column_function = self._info_name is None and not self._arguments and not field.is_async

    @classmethod
    def of(cls, definition: GraphQLField, schema: GraphQLSchema) -> StrawberryBatch | None:
        """Return the batch function of a field, None if it has none that may be called directly."""
        field = strawberry_definition(definition)
        if not isinstance(field, BatchedField) or not _is_unwrapped(field, schema):
            return None
        return cls(field, definition, _strawberry_schema(schema))

    def values(self, sources: Sequence[Any], info: GraphQLResolveInfo[Any] | None, arguments: dict[str, Any]) -> Any:
        """Call the function with the sources of a level."""
        return self._function(sources, **self._keywords(info, arguments))


class StrawberryCall(StrawberryFunction):
    """The function of any other field with a resolver, called like graphql-core's: once per source."""

    def __init__(self, field: StrawberryField, definition: GraphQLField, schema: strawberry.Schema) -> None:
        super().__init__(field, definition, schema)
        resolver: Any = field.base_resolver
        self._takes_self = bool(resolver.self_parameter)
        parameters = (resolver.parent_parameter, resolver.root_parameter)
        self._source_names = [parameter.name for parameter in parameters if parameter is not None]

    @classmethod
    def of(cls, definition: GraphQLField, schema: GraphQLSchema) -> StrawberryCall | None:
        """Return the function of a field, None if it has none that may be called directly."""
        field = strawberry_definition(definition)
        if not _is_unwrapped(field, schema) or isinstance(field, BatchedField) or field.is_subscription:
            return None
        if type(field.base_resolver) is not StrawberryResolver:
            return None
        return cls(field, definition, _strawberry_schema(schema))

    def __call__(self, source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        """Call the function for one source."""
        keywords = self._keywords(info, arguments)
        for name in self._source_names:
            keywords[name] = source
        return self._function(source, **keywords) if self._takes_self else self._function(**keywords)


class _Argument(NamedTuple):
    """An argument's name in GraphQL and in Python, and what converts its value, if anything has to."""

    name: str
    python_name: str
    convert: Callable[[Any, Any], Any] | None

    @classmethod
    def of(cls, argument: StrawberryArgument, definition: GraphQLField, schema: strawberry.Schema) -> _Argument:
        config, converter = schema.config, schema.schema_converter
        name = config.name_converter.from_argument(argument)
        type_ = argument.type
        if _passes(definition.args[name].type, type_):
            return cls(name, argument.python_name, None)

        def convert(value: Any, info: Any) -> Any:
            return convert_argument(value, type_, converter.scalar_registry, config, info, path=(name,))

        return cls(name, argument.python_name, convert)


def _passes(type_: GraphQLInputType, python_type: Any) -> bool:
    """Tell whether what graphql-core coerced is the Python value already: scalars and enums but global ids."""
    if isinstance(python_type, StrawberryMaybe):
        return False
    if isinstance(python_type, StrawberryOptional):
        python_type = python_type.of_type
    return python_type is not GlobalID and is_leaf_type(type_.of_type if is_non_null_type(type_) else type_)


def may_be_cast(kind: type, values: Iterable[Any]) -> bool:
    """Tell whether instances of a class among the values went through ``strawberry.cast``."""
    if kind.__dictoffset__ == 0 and not hasattr(kind, TYPE_CAST_ATTRIBUTE):
        return False
    return any(map(hasattr, values, repeat(TYPE_CAST_ATTRIBUTE)))


def _strawberry_schema(schema: GraphQLSchema) -> Any:
    return getattr(schema, "_strawberry_schema", None)


def _is_unwrapped(field: Any, schema: GraphQLSchema) -> bool:
    """Tell whether a field is Strawberry's, and nothing is called around its resolver."""
    strawberry_schema = _strawberry_schema(schema)
    return (
        isinstance(field, StrawberryField)
        and type(field).get_result in (StrawberryField.get_result, BatchedField.get_result)
        and not field.extensions
        and strawberry_schema is not None
        # Handlers turn exceptions into values, but only where the field's type has a place for them.
        and not strawberry_schema.schema_converter._get_field_exception_handlers(field)  # noqa: SLF001
    )
