"""Processing information as JSON-LD 1.1 in W3C's Data Privacy Vocabulary 2.3, for machines.

The context stands inside, so that nothing is fetched to read it. Words go into Dublin Core's title and description;
all else are terms of DPV. The person's own values stay in `processing-information.json`: this tells of the processing.
"""

from collections.abc import Mapping
from typing import Any, Final

from dsr.register import PREFIXES

Json = dict[str, Any]

_TERMS: Final = "http://purl.org/dc/terms/"
_XSD: Final = "http://www.w3.org/2001/XMLSchema#"
_CONTEXT: Final = {
    **PREFIXES,
    "dct": _TERMS,
    "xsd": _XSD,
    "title": {"@id": "dct:title", "@container": "@language"},
    "description": {"@id": "dct:description", "@container": "@language"},
    "created": {"@id": "dct:created", "@type": "xsd:dateTime"},
    "modified": {"@id": "dct:modified", "@type": "xsd:date"},
    "source": {"@id": "dct:source", "@type": "xsd:anyURI"},
    "identifier": {"@id": "dct:identifier", "@type": "xsd:string"},
}
_BINDING_MEASURES: Final = frozenset({"gdpr:SCCByCommission", "gdpr:BindingCorporateRules"})
"""Transfer tools that DPV counts as measures; the others are legal bases of a transfer."""
_NOTICES: Final = {"access": "gdpr:SARNotice", "portability": "dpv:RightFulfilmentNotice"}
"""What the answer is: DPV has a term of its own for access; for portability there is only the wider one."""
_ROLES: Final = {"processor": "dpv:DataProcessor", "controller": "dpv:DataController", "authority": "dpv:Authority"}


def linked(information: Mapping[str, Any]) -> Json:
    """The processing information, without the person's values, as JSON-LD."""
    recipients = {r["id"]: r for activity in information["activities"] for r in activity["recipients"]}
    notice = information["notice"]
    answer = {
        "@id": "_:answer",
        "@type": _NOTICES[information["right"]],
        "identifier": information["request_id"],
        "created": information["made_at"],
        "dpv:hasDataController": _controller(information["controller"]),
        "dpv:hasNotice": {
            "@type": "dpv:PrivacyNotice",
            "title": _said(notice["title"]),
            **({"modified": notice["updated"]} if notice["updated"] else {}),
            **({"source": notice["url"]} if notice["url"] else {}),
        },
        "dpv:hasAuthority": _authority(information["authority"]),
        "dpv:hasRight": [
            {"@type": right["term"], "title": _said(right["title"]), "description": _said(right["words"])}
            for right in information["rights"]
        ],
        "dpv:hasProcess": [{"@id": f"_:activity-{activity['id']}"} for activity in information["activities"]],
    }
    profiled = [
        {
            "@type": "dpv:Profiling",
            "title": _said(dimension["title"]),
            "dpv:hasAlgorithmicLogic": {"@type": "dpv:AlgorithmicLogic", "description": _said(dimension["logic"])},
            "dpv:hasConsequence": {"@type": "dpv:Consequence", "description": _said(dimension["effect"])},
        }
        for dimension in information["profiling"]
    ]
    if profiled:
        answer["dpv:hasProcessing"] = profiled
    activities = [_activity(activity) for activity in information["activities"]]
    return {"@context": _CONTEXT, "@graph": [answer, *activities, *(_recipient(r) for r in recipients.values())]}


def _activity(activity: Mapping[str, Any]) -> Json:
    value = {
        "@id": f"_:activity-{activity['id']}",
        "@type": "dpv:PersonalDataProcess",
        "identifier": activity["id"],
        "title": _said(activity["title"]),
        "dpv:hasPersonalData": [{"@id": entry["term"]} for entry in activity["personal_data"]],
        "dpv:hasPurpose": [_described(entry["term"], entry["words"]) for entry in activity["purposes"]],
        "dpv:hasLegalBasis": [_described(entry["term"], entry["words"]) for entry in activity["legal_basis"]],
        "dpv:hasRecipient": [{"@id": f"_:recipient-{entry['id']}"} for entry in activity["recipients"]],
        "dpv:hasStorageCondition": [_retention(entry) for entry in activity["retention"]],
        "dpv:hasDataSource": [{"description": _said(entry["words"])} for entry in activity["sources"]],
        "dpv:hasProcessing": [_transfer(entry) for entry in activity["transfers"]],
    }
    decisions = activity["automated_decisions"]
    if decisions["exists"]:
        value["dpv:hasProcessing"] += [_described("dpv:AutomatedDecisionMaking", decisions["words"])]
    return {name: entry for name, entry in value.items() if entry != []}


def _transfer(transfer: Mapping[str, Any]) -> Json:
    tool = _described(transfer["tool"], transfer["words"])
    if transfer["link"]:
        tool["source"] = transfer["link"]
    by = "dpv:hasOrganisationalMeasure" if transfer["tool"] in _BINDING_MEASURES else "dpv:hasLegalBasis"
    return {
        "@type": "dpv:Transfer",
        "dpv:hasDataImporter": {"@id": f"_:recipient-{transfer['recipient']}"},
        "dpv:hasThirdCountry": {"@type": "dpv:ThirdCountry", "identifier": transfer["country"]},
        by: tool,
    }


def _retention(retention: Mapping[str, Any]) -> Json:
    value: Json = {"@type": "dpv:StorageDuration", "description": _said(retention["words"])}
    if retention["duration"]:
        value["dpv:hasDuration"] = {"@value": retention["duration"], "@type": "xsd:duration"}
    if retention["duty"]:
        value["dpv:hasApplicableLaw"] = {"@type": "dpv:Law", "title": _said(retention["duty"])}
    return value


def _controller(controller: Mapping[str, str]) -> Json:
    stated = {
        "dpv:hasName": controller["name"],
        "dpv:hasIdentifier": controller["registration"],
        "dpv:hasAddress": controller["address"],
        "dpv:hasContact": controller["mail"],
    }
    officer = {"@type": "dpv:DataProtectionOfficer", "dpv:hasContact": controller["dpo_mail"]}
    value: Json = {"@type": "dpv:DataController", **{name: text for name, text in stated.items() if text}}
    return {**value, "dpv:hasDataProtectionOfficer": officer} if controller["dpo_mail"] else value


def _authority(authority: Mapping[str, Any]) -> Json:
    stated = {"dpv:hasAddress": authority["address"], "dpv:hasContact": authority["mail"]}
    value = {"@type": "dpv:DataProtectionAuthority", "title": _said(authority["name"])}
    return {**value, **{name: text for name, text in stated.items() if text}}


def _recipient(recipient: Mapping[str, Any]) -> Json:
    return {
        "@id": f"_:recipient-{recipient['id']}",
        "@type": _ROLES[recipient["role"]],
        "dpv:hasName": recipient["name"],
        "dpv:hasCountry": {"@type": "dpv:Country", "identifier": recipient["country"]},
        "description": _said(recipient["words"]),
    }


def _described(term: str, words: Mapping[str, str]) -> Json:
    return {"@type": term, "description": _said(words)}


def _said(words: Mapping[str, str]) -> Json:
    """Only the languages in which something is said."""
    return {language: text for language, text in words.items() if text}
