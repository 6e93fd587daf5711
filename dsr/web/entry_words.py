"""What the officers' form calls rights, grounds and purposes."""

from collections.abc import Mapping
from typing import Final

RIGHT_WORDS: Final[Mapping[str, str]] = {
    "access": "Access to their data (Art. 15)",
    "portability": "Their data to take along (Art. 20)",
    "erasure": "Erasure (Art. 17)",
    "restriction": "Restriction (Art. 18)",
    "rectification": "Correction (Art. 16)",
    "objection": "Objection (Art. 21)",
    "withdrawal": "Withdrawal of consent (Art. 7(3))",
    "unclear": "It isn't clear, or something else",
}
GROUND_WORDS: Final[Mapping[str, str]] = {
    "not_needed": "no longer needed (a)",
    "consent_withdrawn": "consent withdrawn (b)",
    "objection": "they object (c)",
    "unlawful": "unlawful processing",
    "legal_obligation": "a law demands it (e)",
    "child": "collected from a child (f)",
    "accuracy_contested": "they say it is wrong (a)",
    "legal_claims": "they need it for a claim (c)",
    "objection_pending": "they have objected (d)",
    "legitimate_interest": "to processing for a legitimate interest (1)",
    "direct_marketing": "to direct marketing (2)",
}
PURPOSE_WORDS: Final[Mapping[str, str]] = {
    "dpv:DirectMarketing": "direct marketing",
    "dpv:Marketing": "all marketing",
    "dpv:Personalisation": "personalisation",
    "dpv:CustomerRelationshipManagement": "customer relationship management",
    "dpv:CustomerCare": "customer care",
    "dpv:CommunicationForCustomerCare": "messages of customer care",
    "dpv:CustomerOrderManagement": "orders",
    "dpv:PaymentManagement": "payments",
    "dpv:LegalCompliance": "compliance with law",
    "dpv:EnforceSecurity": "security",
    "dpv:IdentityVerification": "checking who somebody is",
}
ABOUT_WORDS: Final[Mapping[str, str]] = {
    "": "our own processing",
    "application": "an application for a job with us",
    "on_behalf": "what we process on behalf of a customer",
}
