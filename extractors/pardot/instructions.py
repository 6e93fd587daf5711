"""What a person has to do where the API has no way, by language."""

from collections.abc import Mapping
from typing import Final

Words = Mapping[str, str]

TRACKS: Final[Words] = {
    "sv": (
        "API:et kan bara läsa det här. Radering: när prospektet är raderat för gott, öppna ett ärende hos Salesforce "
        "Support (Account Engagement, begäran om radering enligt GDPR), ange prospektets id och vilka uppgifter det "
        "gäller, och skriv upp ärendets nummer. Begränsning: låt bli att använda uppgifterna i rapporter och urval."
    ),
    "en": (
        "The API can only read this. Erasure: once the prospect has been deleted for good, open a case with Salesforce "
        "Support (Account Engagement, erasure request under the GDPR), name the prospect's id and the kinds of data, "
        "and note the number of the case. Restriction: keep the data out of reports and segments."
    ),
}
OPPORTUNITY: Final[Words] = {
    "sv": (
        "Affärsmöjligheter kommer från Salesforce och kan gälla flera personer. Ta bort personen från affärsmöjligheten"
        " där, eller radera den om den bara gäller personen, och vänta på nästa synkronisering."
    ),
    "en": (
        "Opportunities come from Salesforce and may concern several people. Remove the person from the opportunity "
        "there, or delete it if it is about nobody else, and wait for the next synchronisation."
    ),
}
_PROFILE_SV: Final = (
    "Begränsning eller invändning: undanta prospektet från automationsregler, poängsättning, dynamiska listor och "
    "dynamiskt innehåll. Finns det egna fältet dsr_no_profiling och frågar reglerna efter det, sätts det av sig självt."
)
_PROFILE_EN: Final = (
    "Restriction or objection: exempt the prospect from automation rules, scoring, dynamic lists and dynamic content. "
    "Where there is a custom field dsr_no_profiling that the rules ask, it is set without your doing."
)
PROFILE: Final[Words] = {
    "sv": f"{TRACKS['sv'].partition(' Begränsning:')[0]} {_PROFILE_SV}",
    "en": f"{TRACKS['en'].partition(' Restriction:')[0]} {_PROFILE_EN}",
}
TAG: Final[Words] = {
    "sv": (
        "Radering: ligger prospektet redan i papperskorgen, återställ det där, ta bort taggarna och radera det igen. "
        f"{_PROFILE_SV}"
    ),
    "en": (
        "Erasure: if the prospect lies in the recycle bin already, restore it there, remove its tags and delete it "
        f"again. {_PROFILE_EN}"
    ),
}
MEMBERSHIP: Final[Words] = {
    "sv": (
        "Medlemskapet är borttaget ur listan och ligger i leverantörens papperskorg, som inget API tömmer. Ska det bort"
        " även därifrån, öppna ett ärende hos Salesforce Support (Account Engagement)."
    ),
    "en": (
        "The membership is off the list and lies in the vendor's recycle bin, which no API empties. To have it removed "
        "from there too, open a case with Salesforce Support (Account Engagement)."
    ),
}
PROSPECT: Final[Words] = {
    "sv": (
        "Om leverantören vägrar: radera först personens kontakt eller lead i Salesforce, även ur papperskorgen, och kör"
        " raderingen igen. Ett prospekt i papperskorgen går inte att begränsa eller rätta utan att återställas först."
    ),
    "en": (
        "If the vendor refuses: delete the person's contact or lead in Salesforce first, from its recycle bin too, and "
        "run the erasure again. A prospect in the recycle bin can't be restricted or rectified unless it is restored."
    ),
}
