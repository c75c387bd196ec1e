"""What can go wrong by the rules of the domain, as facts.

    GqlApiError
    ├── DomainError                      a rule of the domain said no; answered as typed data
    │   ├── NotFound
    │   │   ├── StudentNotFound
    │   │   └── CourseNotFound
    │   ├── Conflict
    │   │   ├── CourseFull
    │   │   ├── CapacityBelowSeatsTaken
    │   │   ├── EmailTaken
    │   │   ├── CodeTaken
    │   │   └── SourcedIdTaken
    │   └── InvalidInput
    ├── RequestRefused                   the request itself is wrong; answered as a GraphQL error with `extensions.code`
    │   ├── BadUserInput                 a page, cursor, id or filter that cannot be
    │   ├── Unauthenticated              no token where one is needed, or one that is not believed
    │   ├── Forbidden                    whoever this is may not do that
    │   ├── Overloaded                   too much is being done already
    │   ├── RateLimited                  this caller has asked for too much of late
    │   └── DeadlineExceeded             it took longer than it may
    └── OperatorError                    something the operator has to mend; the command line prints it and ends
        ├── SettingInvalid
        ├── DatabaseUnusable
        │   └── OutcomeUnknown           it broke off while it was committing
        ├── DatabaseNotEmpty
        ├── AddressInUse
        ├── IdentityNotConfigured        others could come, and nobody would be asked who they are
        ├── KeyUnusable                  a key that tokens cannot be verified with
        ├── IssuerUnusable               the issuer of tokens is away, or says what cannot be used
        ├── ManifestUnusable             a manifest of trusted documents that cannot be read, or not executed
        ├── SchemaFileUnusable           a file that should hold a schema, or this one
        └── BundleUnusable               a OneRoster bundle that cannot be read as a whole

No status codes and no GraphQL types here: http/ and schema/ translate.
"""

from __future__ import annotations


class GqlApiError(Exception):
    """Any error that this program raises knowingly; `message` is fit to be shown to whoever asked."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class DomainError(GqlApiError):
    """A rule of the domain was broken; nothing has been changed."""


class NotFound(DomainError):
    """The thing that was named does not exist."""


class StudentNotFound(NotFound):
    """No student has this id."""

    def __init__(self, message: str = "No student has this id.") -> None:
        super().__init__(message)


class CourseNotFound(NotFound):
    """No course has this id."""

    def __init__(self, message: str = "No course has this id.") -> None:
        super().__init__(message)


class Conflict(DomainError):
    """The change contradicts what is stored."""


class CourseFull(Conflict):
    """All `capacity` seats of the course are taken."""

    def __init__(self, *, course_id: int, capacity: int) -> None:
        super().__init__(f"All {capacity} seats of this course are taken.")
        self.course_id = course_id
        self.capacity = capacity


class CapacityBelowSeatsTaken(Conflict):
    """The new capacity is smaller than the number of students who have a seat."""

    def __init__(self, *, capacity: int, seats_taken: int) -> None:
        super().__init__(f"{seats_taken} seats of this course are taken: its capacity cannot become {capacity}.")
        self.capacity = capacity
        self.seats_taken = seats_taken


class EmailTaken(Conflict):
    """Another student has this e-mail address."""

    def __init__(self, email: str) -> None:
        super().__init__("Another student has this e-mail address.")
        self.email = email


class CodeTaken(Conflict):
    """Another course has this code."""

    def __init__(self, code: str) -> None:
        super().__init__("Another course has this code.")
        self.code = code


class SourcedIdTaken(Conflict):
    """Another record of the same kind has this sourcedId."""

    def __init__(self, sourced_id: str) -> None:
        super().__init__("Another record has this sourcedId.")
        self.sourced_id = sourced_id


class InvalidInput(DomainError):
    """A value that no record may hold; `field` is its name in the API, e.g. `capacity`."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class RequestRefused(GqlApiError):
    """The request cannot be carried out as it stands; `code` is what `extensions.code` says."""

    code = "BAD_REQUEST"


class BadUserInput(RequestRefused):
    """An argument is out of its range or malformed: a page, a cursor, an id, a filter."""

    code = "BAD_USER_INPUT"


class Unauthenticated(RequestRefused):
    """Nobody has said who asks, or nothing that could be believed; the message says which check failed."""

    code = "UNAUTHENTICATED"


class Forbidden(RequestRefused):
    """It is known who asks, and this is not allowed to them."""

    code = "FORBIDDEN"


class Overloaded(RequestRefused):
    """More is asked for at the moment than can be done; nothing was done."""

    code = "OVERLOADED"

    def __init__(self) -> None:
        super().__init__("The server has too much to do at the moment; try again later.")


class RateLimited(RequestRefused):
    """The caller has spent what it may in a minute; `seconds` is when to come again. Nothing was done."""

    code = "RATE_LIMITED"

    def __init__(self, *, cost: int, cost_per_minute: int, remaining: int, seconds: int) -> None:
        super().__init__(
            f"Of the {cost_per_minute} that you may spend in a minute {remaining} are left, and this needs {cost}. "
            f"Come again in {seconds} seconds."
        )
        self.seconds = seconds


class DeadlineExceeded(RequestRefused):
    """The operation took longer than `seconds` and was given up; what it had committed by then stays."""

    code = "DEADLINE_EXCEEDED"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"This took longer than {seconds:g} seconds and was given up.")
        self.seconds = seconds


class OperatorError(GqlApiError):
    """The program cannot go on until its operator mends something; the message says what."""


class SettingInvalid(OperatorError):
    """An environment variable holds a value that cannot be used."""


class DatabaseUnusable(OperatorError):
    """The database is missing, away, locked, full, read-only, older or newer than this program."""


class OutcomeUnknown(DatabaseUnusable):
    """The database broke off while it was committing: all of the transaction was kept, or nothing of it."""

    def __init__(self, message: str = "The database broke off while it was committing a transaction.") -> None:
        super().__init__(message)


class DatabaseNotEmpty(OperatorError):
    """Invented rows would be mixed with stored ones."""


class ManifestUnusable(OperatorError):
    """A manifest of trusted documents is missing, not JSON, of no known format, or has a document that is invalid."""


class SchemaFileUnusable(OperatorError):
    """A file cannot be read or written as a schema, or is not the schema that it should be."""


class BundleUnusable(OperatorError):
    """A OneRoster bundle cannot be read as an archive, or because of a file, a header or its manifest."""


class AddressInUse(OperatorError):
    """The address to listen on cannot be had."""


class IdentityNotConfigured(OperatorError):
    """The address to listen on can be reached from elsewhere, and nobody would be asked who they are."""


class KeyUnusable(OperatorError):
    """A secret or a file does not hold a key that tokens can be verified with."""


class IssuerUnusable(OperatorError):
    """The issuer of tokens cannot be reached, or its answers cannot be used, and no keys of it are known."""
