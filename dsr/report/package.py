"""What the person reads, in Swedish and English: titles and sentences of the package's reports."""

from typing import Final

LANGUAGES: Final = ("sv", "en")

CATEGORY_TITLES_SV: Final = {
    "contact-identification": "Kontakt- och identifieringsuppgifter",
    "interactions": "Uppgifter om dina kontakter med vår personal",
    "events-webinars": "Uppgifter om evenemang och webbinarier",
    "purchases": "Uppgifter om köp",
    "payment-invoice": "Betalnings- och fakturauppgifter",
    "device": "Uppgifter om enheter",
    "website": "Uppgifter om hur du använt webbplatsen",
}
"""Keys as `vocabulary.CATEGORIES`, which holds the English ones."""

SEARCH: Final = {
    "found": {
        "sv": "{title}: genomsökt {at}. Antal poster om dig i paketet: {records}.",
        "en": "{title}: searched {at}. Records about you in this package: {records}.",
    },
    "none": {
        "sv": "{title}: genomsökt {at}. Inget som säkert är om dig hittades.",
        "en": "{title}: searched {at}. Nothing that is surely about you was found.",
    },
    "failed": {
        "sv": "{title}: kunde inte läsas (felkod {code}). Det som systemet kan ha om dig saknas i paketet.",
        "en": "{title}: could not be read (error {code}). What it may hold about you is missing from this package.",
    },
    "not_connected": {
        "sv": "{title}: inte anslutet och därför inte genomsökt. Det som systemet kan ha om dig saknas i paketet.",
        "en": "{title}: not connected, so not searched. What it may hold about you is missing from this package.",
    },
}
"""Per status of `vocabulary.SEARCH_STATUSES`: what one line of the search report says."""

DOUBTFUL: Final = {
    "sv": "Antal poster som stämde med någon uppgift om dig men kan vara någon annans och inte är med: {count}.",
    "en": "Records that answered to something of yours but may be somebody else's and are left out: {count}.",
}

FRESHNESS: Final = {
    "sv": "Systemet kan inte sökas direkt; förteckningen över det lästes senast {at}.",
    "en": "This system can't be searched directly; the index of it was last read {at}.",
}

COMPLETE: Final = {
    True: {"sv": "Alla system kunde läsas.", "en": "All systems could be read."},
    False: {
        "sv": "Paketet är inte fullständigt: {names} kunde inte läsas.",
        "en": "This package is not complete: {names} could not be read.",
    },
}

NOTHING_HELD: Final = {
    "sv": "Inga uppgifter som säkert är om dig hittades i de system som kunde läsas.",
    "en": "Nothing that is surely about you was found in the systems that could be read.",
}

GROUNDS: Final = {
    "third_party": {
        "sv": "Andras rättigheter och friheter (artikel 15.4)",
        "en": "The rights and freedoms of others (Article 15(4))",
    },
    "third_party_masked": {
        "sv": "Namn och andra uppgifter om andra är ersatta i texten, resten är med (artikel 15.4)",
        "en": "Names and other data of others are replaced in the text, the rest is there (Article 15(4))",
    },
    "confidential": {
        "sv": "Företagshemligheter (artikel 15.4 och skäl 63)",
        "en": "Trade secrets (Article 15(4) and recital 63)",
    },
    "not_reviewed": {
        "sv": "Vi har ännu inte kunnat granska om det står något om andra i texten eller filen (artikel 15.4)",
        "en": "We have not yet been able to review whether others are spoken of in the text or file (Article 15(4))",
    },
    "not_certain": {
        "sv": "Det går inte att säkert säga att posten är din",
        "en": "It can't be told for sure that the record is yours",
    },
}
"""Why something is left out. `not_certain` is the search's own, the others are `vocabulary.WITHHELD_GROUNDS`."""

WITHHELD_MARKS: Final = {
    "sv": {
        "third_party": "[utelämnat: uppgifter om andra]",
        "confidential": "[utelämnat: företagshemlighet]",
        "not_reviewed": "[utelämnat: inte granskat]",
    },
    "en": {
        "third_party": "[withheld: data of others]",
        "confidential": "[withheld: trade secret]",
        "not_reviewed": "[withheld: not reviewed]",
    },
}
"""What stands in the place of a text that is withheld."""

GROUNDS_PORTABILITY: Final = {
    **GROUNDS,
    "third_party": {
        "sv": "Andras rättigheter och friheter (artikel 20.4)",
        "en": "The rights and freedoms of others (Article 20(4))",
    },
    "third_party_masked": {
        "sv": "Namn och andra uppgifter om andra är ersatta i texten, resten är med (artikel 20.4)",
        "en": "Names and other data of others are replaced in the text, the rest is there (Article 20(4))",
    },
    "confidential": {
        "sv": "Företagshemligheter (artikel 20.4)",
        "en": "Trade secrets (Article 20(4))",
    },
    "not_reviewed": {
        "sv": "Vi har ännu inte kunnat granska om det står något om andra i texten eller filen (artikel 20.4)",
        "en": "We have not yet been able to review whether others are spoken of in the text or file (Article 20(4))",
    },
}
"""The same in an answer under Art. 20, which says it in a paragraph of its own."""

EXCLUDED: Final = {
    "not_consent_or_contract": {
        "sv": "Behandlingen bygger varken på ditt samtycke eller på ett avtal med dig (artikel 20.1 a)",
        "en": "The processing is based neither on your consent nor on a contract with you (Article 20(1)(a))",
    },
    "not_automated": {
        "sv": "Uppgifterna behandlas inte automatiserat (artikel 20.1 b)",
        "en": "The data is not processed by automated means (Article 20(1)(b))",
    },
    "derived": {
        "sv": "Vi har själva tagit fram uppgifterna ur andra; du har inte lämnat dem (artikel 20.1)",
        "en": "We made the data from other data; you did not provide it (Article 20(1))",
    },
    "inferred": {
        "sv": "Uppgifterna är våra slutsatser om dig; du har inte lämnat dem (artikel 20.1)",
        "en": "The data is our conclusion about you; you did not provide it (Article 20(1))",
    },
    "unknown_origin": {
        "sv": "Fältens ursprung är inte beskrivet, så det går inte att säga att du har lämnat uppgifterna",
        "en": "The origin of the fields is not described, so it can't be told that you provided the data",
    },
}
"""Why the right to data portability does not reach a field or a dataset; all of it belongs to an answer under Art. 15.
Keys as `assess.portable` gives them."""
