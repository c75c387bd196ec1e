"""The rules that a document has to obey: those of the specification, bounded in what they may cost."""

from __future__ import annotations

from typing import Final

from graphql import ASTValidationRule, OverlappingFieldsCanBeMergedRule, specified_rules
from graphql.validation import ValidationContext
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

FIELD_COMPARISONS_MAX: Final = 10_000
"""How many pairs of fields with the same response name are compared in one document.

The pairs grow with the square of the document: within graphql-core's own limit, 2,000 tokens can take 0.9 s to
validate, within this one 0.1 s, as other documents of that size do. It takes 140 fields of one name on one level to
reach it.
"""


class FieldMergingRule(OverlappingFieldsCanBeMergedRule):
    """Fields that share a response name must be mergeable (spec §5.3.2); ends validation at FIELD_COMPARISONS_MAX."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        # Each comparison costs two units.
        self.rule_context.remaining_complexity_budget = 2 * FIELD_COMPARISONS_MAX


VALIDATION_RULES: Final[tuple[type[ASTValidationRule], ...]] = (
    *(FieldMergingRule if rule is OverlappingFieldsCanBeMergedRule else rule for rule in specified_rules),
    MaybeNullValidationRule,
    OneOfInputValidationRule,
)
"""The rules of the specification's section 5, and the two that Strawberry's own input types need."""
