"""What a person has to do where the API has no way, by language."""

from collections.abc import Mapping
from typing import Final

_PRIVACY_SV: Final = (
    "Administratören loggar in på zoom.us, öppnar Privacy (Data Subject Rights) och begär radering för personens "
    "e-postadresser, högst 50 personer per begäran, och skriver upp begärans nummer."
)
_PRIVACY_EN: Final = (
    "The administrator signs in to zoom.us, opens Privacy (Data Subject Rights) and requests erasure for the person's "
    "e-mail addresses, at most 50 people per request, and notes the request's number."
)
_LIMITS_SV: Final = (
    "Begränsning och rättelse finns inte i API:et: ta bort personen ur utskick och exporter som bygger på webbinariet, "
    "och rätta uppgiften i webbinariets inställningar om den går att ändra där."
)
_LIMITS_EN: Final = (
    "The API can neither restrict nor rectify: keep the person out of mailings and exports that build on the webinar, "
    "and correct the entry in the webinar's settings where it can be changed."
)
SINGLE: Final[Mapping[str, str]] = {
    "sv": (
        "Radering görs av sig själv; nekar leverantören, ta bort personen i webbinariets lista över anmälda eller "
        f"paneldeltagare. {_LIMITS_SV}"
    ),
    "en": (
        "Erasure needs nobody; if the vendor refuses, remove the person in the webinar's list of registrants or "
        f"panelists. {_LIMITS_EN}"
    ),
}
REPORTED: Final[Mapping[str, str]] = {
    "sv": (
        f"Radering: {_PRIVACY_SV} Inspelningar visar fler än personen: granska dem, och radera med Delete Permanently "
        f"bara dem där ingen annan hörs eller syns. {_LIMITS_SV}"
    ),
    "en": (
        f"Erasure: {_PRIVACY_EN} Recordings show others too: review them, and delete permanently only those in which "
        f"nobody else is heard or seen. {_LIMITS_EN}"
    ),
}
CHAT: Final[Mapping[str, str]] = {
    "sv": (
        "Chatten är en fil som även andra har skrivit i. Ladda ner den, ta bort personens rader, radera filen i "
        "inspelningen med Delete Permanently och spara den rättade om den behövs. Ligger inspelningen i papperskorgen, "
        f"radera den där för gott. {_LIMITS_SV}"
    ),
    "en": (
        "The chat is one file in which others wrote too. Download it, take the person's lines out, delete the file in "
        "the recording permanently, and keep the corrected one if it is needed. If the recording lies in the bin, "
        f"delete it there for good. {_LIMITS_EN}"
    ),
}
