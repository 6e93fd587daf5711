"""What somebody might type into a field so that it does more than it should."""

from typing import Final

REFUSED_ADDRESSES: Final = {
    "SOQL": "a' OR Email != '@kvarn.example",
    "SQL": "'; DROP TABLE customer;--@kvarn.example",
    "LDAP": "*)(uid=*@kvarn.example",
    "regular expression": "^(a+)+$@.*\\.example",
    "CRLF": "asa@kvarn.example\r\nBcc: all@evil.example",
    "next line": "asa@kvarn.example\u0085x",
    "NUL": "asa\0@kvarn.example",
    "a megabyte": "a" * 1_000_000 + "@kvarn.example",
    "Cyrillic a": "\u0430sa@kvarn.example",
    "Cyrillic in the domain": "asa@kv\u0430rn.example",
    "full width": "\uff41\uff53\uff41@kvarn.example",
    "full-width at": "asa\uff20kvarn.example",
    "Kelvin": "\u212ara@kvarn.example",
    "ligature": "\ufb01a@kvarn.example",
    "zero width": "as\u200ba@kvarn.example",
    "soft hyphen": "as\u00ada@kvarn.example",
    "right to left": "\u202easa@kvarn.example",
    "isolate": "\u2066asa@kvarn.example",
    "tag": "asa\U000e0061@kvarn.example",
    "variation selector": "asa\ufe0f@kvarn.example",
}
"""What → an address that the intake refuses."""

ALLOWED_ADDRESSES: Final = (
    "'/**/or/**/1=1--@kvarn.example",
    "o'brien@kvarn.example",
    "%@%.example",
    "_@kvarnberget.example",
    "*@kvarnberget.example",
    ".*@kvarnberget.example",
    "a&b=c@kvarn.example",
    "asa.ohrnqvist%00@kvarnberget.example",
    "{{7*7}}@kvarn.example",
    "\u0131nfo@kvarnberget.example",
    "\u0430\u0441\u0430@kvarn.example",
    "asa.ohrnqvist@kvarnberget.example.",
)
"""Of the form of an address, and nobody's: they are looked up as they stand."""

REFUSED_NUMBERS: Final = {
    "SOQL": "x' OR Name LIKE '%",
    "SQL": "1 OR 1=1",
    "regular expression": "\\d{3}",
    "CRLF": "070\r\n1740605",
    "NUL": "070\x001740605",
    "a megabyte": "0" * 1_000_000,
    "a template": "{{7*7}}",
    "a tag": "<b>1</b>",
}
"""What → a telephone or customer number that the intake refuses."""

ALLOWED_NUMBERS: Final = (
    "*",
    ".",
    "+",
    "_",
    "K-1 OR K-2",
    "+4670174060*",
    "070;071",
    "K-",
    "1 --",
    "$1",
    "^.+$",
    "K-(.*)",
)
"""Of the form of a number, perhaps mistyped: they are nobody's."""

REFUSED_NAMES: Final = {
    "CRLF": "Åsa\r\nBcc: all@evil.example",
    "NUL": "\0",
    "a megabyte": "Å" * 1_000_000,
    "line separator": "Åsa\u2028x",
}
"""What → a name that the intake refuses; all else may be somebody's name."""
