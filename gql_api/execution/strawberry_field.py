"""What Strawberry knows of a field beyond graphql-core: its attribute, its batch function, its Python arguments."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any, cast

from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.cast import TYPE_CAST_ATTRIBUTE
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver
from strawberry.utils.await_maybe import await_maybe

from gql_api.execution.arguments import ArgumentConversion
from gql_api.execution.batched import BatchedField

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import strawberry
    from graphql import GraphQLField, GraphQLNamedType, GraphQLResolveInfo, GraphQLSchema


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
        # A resolver calls its function, or says why that cannot be called.
        self._function: Callable[..., Any] = resolver.wrapped_func if callable(resolver.wrapped_func) else resolver
        self._info_class = schema.config.info_class
        self._info_name = resolver.info_parameter.name if resolver.info_parameter is not None else None
        conversions = [ArgumentConversion.of(argument, definition, schema) for argument in field.arguments]
        self._arguments = {conversion.name: conversion for conversion in conversions}
        self.takes_info = self._info_name is not None or any(conversion.convert for conversion in conversions)

    def _keywords(self, info: GraphQLResolveInfo[Any] | None, arguments: dict[str, Any]) -> dict[str, Any]:
        strawberry_info = self._info_class(_raw_info=info, _field=self._field) if info is not None else None
        keywords: dict[str, Any] = {}
        for name, value in arguments.items():
            _, python_name, convert = self._arguments[name]
            keywords[python_name] = value if convert is None else convert(value, strawberry_info)
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
    """The function of any other field with a resolver, called like graphql-core's: once per source.

    Exceptions of an asynchronous function go to the schema's handlers for the field, as Strawberry does it.
    """

    def __init__(self, field: StrawberryField, definition: GraphQLField, schema: strawberry.Schema) -> None:
        super().__init__(field, definition, schema)
        resolver: Any = field.base_resolver
        self._takes_self = bool(resolver.self_parameter)
        parameters = (resolver.parent_parameter, resolver.root_parameter)
        self._source_names = [parameter.name for parameter in parameters if parameter is not None]
        self._handlers = _handlers(field, schema)

    @classmethod
    def of(cls, definition: GraphQLField, schema: GraphQLSchema) -> StrawberryCall | None:
        """Return the function of a field, None if it has none that may be called directly."""
        field = strawberry_definition(definition)
        if not _is_called_directly(field, schema) or isinstance(field, BatchedField) or field.is_subscription:
            return None
        if _handlers(field, _strawberry_schema(schema)) and not field.is_async:
            return None
        if type(field.base_resolver) is not StrawberryResolver:
            return None
        return cls(field, definition, _strawberry_schema(schema))

    def __call__(self, source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        """Call the function for one source."""
        return self._call_handled(source, info, arguments) if self._handlers else self._call(source, info, arguments)

    def _call(self, source: Any, info: GraphQLResolveInfo[Any], arguments: dict[str, Any]) -> Any:
        keywords = self._keywords(info, arguments)
        for name in self._source_names:
            keywords[name] = source
        return self._function(source, **keywords) if self._takes_self else self._function(**keywords)

    async def _call_handled(self, source: Any, info: GraphQLResolveInfo[Any], arguments: dict[str, Any]) -> Any:
        try:
            return await self._call(source, info, arguments)
        except Exception as error:
            handler = next((handler for kinds, handler in self._handlers if isinstance(error, kinds)), None)
            if handler is None:
                raise
            strawberry_info = self._info_class(_raw_info=info, _field=self._field)
            handled = await await_maybe(handler.handle(error, field=self._field, info=strawberry_info))
            if handled is None:
                raise
            return handled


def may_be_cast(kind: type, values: Iterable[Any]) -> bool:
    """Tell whether instances of a class among the values went through ``strawberry.cast``."""
    if kind.__dictoffset__ == 0 and not hasattr(kind, TYPE_CAST_ATTRIBUTE):
        return False
    return any(map(hasattr, values, repeat(TYPE_CAST_ATTRIBUTE)))


def _strawberry_schema(schema: GraphQLSchema) -> Any:
    return getattr(schema, "_strawberry_schema", None)


def _is_unwrapped(field: Any, schema: GraphQLSchema) -> bool:
    """Tell whether a field is Strawberry's, and nothing is called around its resolver."""
    return _is_called_directly(field, schema) and not _handlers(field, _strawberry_schema(schema))


def _is_called_directly(field: Any, schema: GraphQLSchema) -> bool:
    """Tell whether a field is Strawberry's, and nothing but handlers of exceptions stands around its resolver."""
    return (
        isinstance(field, StrawberryField)
        and type(field).get_result in (StrawberryField.get_result, BatchedField.get_result)
        and not field.extensions
        and _strawberry_schema(schema) is not None
    )


def _handlers(field: StrawberryField, schema: strawberry.Schema) -> Sequence[tuple[Any, Any]]:
    """Return what turns exceptions into values at this field, whose type has a place for them."""
    found: Sequence[tuple[Any, Any]] = schema.schema_converter._get_field_exception_handlers(field)  # noqa: SLF001
    return found
