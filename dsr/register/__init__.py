"""The register of processing (Art. 30 GDPR): what is done with whose data, why, on what basis, for how long, who
receives it. Data, not code: YAML in a folder that a privacy officer edits (`register/` is the shipped example)."""

from dsr.register.activity import Activity
from dsr.register.nouns import (
    LANGUAGES,
    Authority,
    AutomatedDecisions,
    Basis,
    Confirmed,
    Controller,
    Dimension,
    Input,
    Notice,
    Origin,
    Problem,
    Purpose,
    Recipient,
    Retention,
    Right,
    Transfer,
    Unsettled,
    Words,
)
from dsr.register.register import Register, check, read
from dsr.register.terms import PREFIXES, Term, Terms

__all__ = [
    "LANGUAGES",
    "PREFIXES",
    "Activity",
    "Authority",
    "AutomatedDecisions",
    "Basis",
    "Confirmed",
    "Controller",
    "Dimension",
    "Input",
    "Notice",
    "Origin",
    "Problem",
    "Purpose",
    "Recipient",
    "Register",
    "Retention",
    "Right",
    "Term",
    "Terms",
    "Transfer",
    "Unsettled",
    "Words",
    "check",
    "read",
]
