"""Reading a GraphQL request out of an HTTP request: out of its body, or its query string."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from gql_api.http import strict_json
from gql_api.http.refusal import HttpRefusal
from gql_api.schema.operation import OperationRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

COST_HEADER: Final = b"graphql-cost"
"""With the value `report` it asks for the cost of the operation, to be told in the response's extensions."""

JSON_CONTENT_TYPES: Final = frozenset({b"application/json", b"application/json; charset=utf-8"})
"""The usual spellings of JSON in UTF-8, so that most requests need no parsing of the header."""

_PARAMETERS_MAX = 32
_NAMES_A_DOCUMENT = "'query' (a string), 'documentId', or the extension 'persistedQuery'"


def check_content_type(content_type: bytes | None, content_encoding: bytes | None) -> None:
    """A body has to be JSON in UTF-8, not compressed.

    Raises:
        HttpRefusal: 415.
    """
    if content_encoding is not None and content_encoding.strip().lower() not in {b"", b"identity"}:
        message = "The body is compressed; bodies are accepted without Content-Encoding."
        raise HttpRefusal(415, message, headers=((b"accept-encoding", b"identity"),))
    if content_type in JSON_CONTENT_TYPES:
        return
    if content_type is None:
        raise HttpRefusal(415, "The body has no Content-Type; accepted is application/json.")
    media_type, *parameters = content_type.lower().split(b";")
    charsets = [part.partition(b"=")[2].strip(b' "') for part in parameters if part.strip().startswith(b"charset=")]
    if media_type.strip() != b"application/json" or any(charset not in {b"utf-8", b"utf8"} for charset in charsets):
        raise HttpRefusal(415, "The Content-Type is not accepted; accepted is application/json, in UTF-8.")


def request_from_body(body: bytes | bytearray) -> OperationRequest:
    """The GraphQL request in a JSON body.

    Raises:
        HttpRefusal: 400, if it is not JSON or not a well-formed GraphQL request.
    """
    if not body:
        raise HttpRefusal(400, "The body is empty; expected is a JSON object.")
    try:
        parameters = strict_json.loads(bytes(body))
    except ValueError as error:
        raise HttpRefusal(400, f"The body is not acceptable JSON: {error}.") from None
    if isinstance(parameters, list):
        raise HttpRefusal(400, "Batches of operations are not accepted: send one operation in each request.")
    if not isinstance(parameters, dict):
        raise HttpRefusal(400, "The body is not a JSON object.")
    return operation_request(parameters)


def request_from_query_string(query_string: bytes, *, bytes_max: int) -> OperationRequest:
    """The GraphQL request in the query component of a URL; an empty parameter counts as absent.

    Raises:
        HttpRefusal: 414 if it is longer than `bytes_max`; 400 if it is not a well-formed GraphQL request.
    """
    if len(query_string) > bytes_max:
        raise HttpRefusal(414, f"The URL's query is longer than {bytes_max} bytes; send this request by POST.")
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), errors="strict", max_num_fields=_PARAMETERS_MAX, keep_blank_values=True
        )
    except UnicodeDecodeError:
        raise HttpRefusal(400, "The URL's query is not percent-encoded UTF-8.") from None
    except ValueError:
        raise HttpRefusal(400, f"The URL's query has more than {_PARAMETERS_MAX} parameters.") from None
    parameters: dict[str, Any] = {}
    for name, value in pairs:
        if name in parameters:
            raise HttpRefusal(400, f"The parameter {name[:40]!r} is there twice.")
        parameters[name] = value or None
    for name in ("variables", "extensions"):
        text = parameters.get(name)
        if text is not None:
            try:
                parameters[name] = strict_json.loads(text)
            except ValueError as error:
                raise HttpRefusal(400, f"The parameter '{name}' is not acceptable JSON: {error}.") from None
    return operation_request(parameters)


def operation_request(parameters: Mapping[str, Any]) -> OperationRequest:
    """The well-formed request that these parameters make; parameters of other names are ignored, as is demanded.

    Raises:
        HttpRefusal: 400, if one is of a wrong type, or none names a document.
    """
    query = parameters.get("query")
    variables = parameters.get("variables")
    operation_name = parameters.get("operationName")
    extensions = parameters.get("extensions")
    document_id = parameters.get("documentId")
    if not (query is None or isinstance(query, str)):
        raise _wrong_type("query", "a string")
    if not (variables is None or isinstance(variables, dict)):
        raise _wrong_type("variables", "an object")
    if not (operation_name is None or isinstance(operation_name, str)):
        raise _wrong_type("operationName", "a string")
    if not (extensions is None or isinstance(extensions, dict)):
        raise _wrong_type("extensions", "an object")
    if not (document_id is None or isinstance(document_id, str)):
        raise _wrong_type("documentId", "a string")
    if query is None and document_id is None and not (extensions and "persistedQuery" in extensions):
        raise HttpRefusal(400, f"The request names no document; expected is {_NAMES_A_DOCUMENT}.")
    reports_cost = extensions is not None and extensions.get("cost") == "report"
    return OperationRequest(query, variables, operation_name or None, extensions, document_id, reports_cost)


def with_headers(request: OperationRequest, headers: Mapping[bytes, bytes]) -> OperationRequest:
    """The request with what its headers ask for; over WebSocket the extension `cost` asks for the same."""
    return request._replace(reports_cost=True) if headers.get(COST_HEADER) == b"report" else request


def _wrong_type(parameter: str, expected: str) -> HttpRefusal:
    return HttpRefusal(400, f"The parameter '{parameter}' must be {expected}.")
