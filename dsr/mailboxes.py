"""Mailboxes of a function, which many people read: an address there never tells who somebody is."""

import unicodedata
from typing import Final

_ROLES: Final = """
abuse accounting accounts admin administration administrator ap ar bestallning billing bokforing bokning career
careers compliance contact customercare customerservice dataskydd dpo drift ekonomi enquiries faktura fakturering
fakturor finance foretag forsaljning gdpr growth hallo hej hello help helpdesk hi hostmaster hr info information inkop
inkopsavdelningen inquiries invoice invoices it jobb jobs juridik kansli karriar kontakt kontor kundservice kundtjanst
lager ledning legal leverantorsfaktura leverantorsreskontra logistics logistik lon mail mailbox marketing marknad media
news newsletter no-reply noreply offert office order orders ordrar payroll personal postmaster press privacy
procurement purchase purchasing receipts reception receptionen registrator reply root sale sales salj samordning
security service spedition staff styrelse support team teknik vd verkstad webmaster webshop
"""

_REGIONS: Final = "ab com de dk en eu fi global international nordic no norge se sv sverige sweden uk"

ROLE_MAILBOXES: Final = frozenset(_ROLES.split())
"""Local parts that name a function, not a human (RFC 2142 and what Swedish and English companies use), without
accents."""


def is_role_mailbox(address: str) -> bool:
    """Whether the local part names a function: all its words do, numbers and countries apart ("it.support",
    "faktura2", "info-se"). Text that is no address counts as one, since nobody can own it."""
    local, at, domain = address.partition("@")
    decomposed = unicodedata.normalize("NFKD", local.partition("+")[0].casefold())
    plain = "".join(c for c in decomposed if not unicodedata.combining(c) and not c.isdigit())
    words = [word for word in plain.replace("_", ".").split(".") if word]
    parts = {part for word in words for part in ([word] if word in ROLE_MAILBOXES else word.split("-")) if part}
    role = "".join(words) in ROLE_MAILBOXES or (bool(words) and parts - frozenset(_REGIONS.split()) <= ROLE_MAILBOXES)
    return not (at and domain and local) or role
