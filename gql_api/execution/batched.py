"""``@batched``: a field of a Strawberry type resolved once for all the objects that ask for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any, get_args, get_origin, overload

from strawberry.annotation import StrawberryAnnotation
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from gql_api.execution.batch_resolver import Batcher, resolve_one

if TYPE_CHECKING:
    from strawberry.extensions import FieldExtension
    from strawberry.permission import BasePermission


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
