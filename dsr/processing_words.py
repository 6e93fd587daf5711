"""What a person reads where the register does not say something: never a made-up filling, always that it is missing."""

from typing import Final

from dsr.register import LANGUAGES, Activity, Words

_PARTS: Final = {
    "row": {"sv": "den här behandlingen alls", "en": "this processing at all"},
    "title": {"sv": "vad behandlingen heter", "en": "what the processing is called"},
    "purposes": {"sv": "ändamålen", "en": "the purposes"},
    "legal_basis": {"sv": "den rättsliga grunden", "en": "the legal basis"},
    "interest": {"sv": "vilket berättigat intresse den bygger på", "en": "the legitimate interest it rests on"},
    "categories": {"sv": "kategorierna av personuppgifter", "en": "the categories of personal data"},
    "data_subjects": {"sv": "vilkas uppgifter det gäller", "en": "whose data it is about"},
    "recipients": {"sv": "vilka som får uppgifterna", "en": "who receives the data"},
    "transfers": {
        "sv": "hur uppgifterna skyddas utanför EU och EES",
        "en": "how the data are protected outside the EU and EEA",
    },
    "retention": {"sv": "lagringstiden", "en": "the storage period"},
    "sources": {"sv": "varifrån uppgifterna kommer", "en": "where the data come from"},
    "automated_decisions": {
        "sv": "om beslut fattas automatiskt",
        "en": "whether decisions are made automatically",
    },
    "profiling": {"sv": "hur profileringen går till", "en": "how the profiling works"},
}
_MISSING: Final = {
    "sv": "Vårt register anger ännu inte {parts} för {title}. Du har rätt att få veta det; skriv till {mail}.",
    "en": "Our register does not state {parts} for {title} yet. You have a right to know it; write to {mail}.",
}
_UNCONFIRMED: Final = {
    "sv": "Det som står om {title} har ännu inte bekräftats av oss.",
    "en": "What is said about {title} has not been confirmed by us yet.",
}
_TITLE: Final = {"sv": "behandlingen ”{name}”", "en": "the processing “{name}”"}
_AND: Final = {"sv": " och ", "en": " and "}


def unsettled_words(
    row: str, activity: Activity | None, blank: tuple[str, ...], confirmed: bool, mail: str
) -> dict[str, str]:
    """That parts of a row are missing, or that nobody has confirmed it. `activity` None = the register has no row."""
    said = {}
    for language in LANGUAGES:
        name = (activity.title[language] if activity else "") or row
        title = _TITLE[language].format(name=name)
        sentences = []
        if blank:
            parts = _joined([_PARTS[part][language] for part in blank], language)
            sentences.append(_MISSING[language].format(parts=parts, title=title, mail=mail))
        if not confirmed:
            sentences.append(_UNCONFIRMED[language].format(title=title))
        said[language] = " ".join(sentences)
    return said


def decision_words(activity: Activity) -> Words:
    """What is said about automated decisions, with logic and consequences where there are any."""
    decisions = activity.automated_decisions
    parts = (decisions.words, decisions.logic, decisions.consequences) if decisions.exists else (decisions.words,)
    return {language: " ".join(part[language] for part in parts if part[language]) for language in LANGUAGES}


def _joined(parts: list[str], language: str) -> str:
    return _AND[language].join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
