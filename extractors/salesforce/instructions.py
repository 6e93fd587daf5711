"""What a person has to do in Salesforce where no call can, and what the connection for changes needs."""

from typing import Final

WRITING: Final = (
    "connection of a second integration user that changes records; without it dsr_salesforce does. The same fields. "
    "Permission set: Read, Edit and Delete on the objects of the datasets; View All and Modify All on them, since "
    "records of all owners are changed; Edit on the fields that may be corrected, emptied or that bar processing; "
    "Create and Delete on Contact Point Type Consents; API Enabled; Query All Files; Bulk API Hard Delete, without "
    "which erased records stay in the recycle bin for 15 days. No other system permission"
)
"""Least privilege: what reads people's data day by day must not be able to delete it."""

_HISTORY: Final = {
    "sv": "Fälthistoriken kan inte raderas genom något anrop. Be Salesforces support att radera den, eller låt den gå "
    "ut: 18 månader i gränssnittet och 24 månader i databasen, om inte Field Audit Trail sparar den längre.",
    "en": "No call deletes field history. Ask Salesforce's support to delete it, or let it expire: 18 months in the "
    "interface and 24 months in the database, unless Field Audit Trail keeps it longer.",
}
_PERSON: Final = {
    "sv": "En privatkund är ett enda kundkonto (person account) med två id:n. Radera kundkontot, inte kontakten, och "
    "töm det sedan ur papperskorgen. Om posten är spärrad av en underliggande post som ska finnas kvar: avgör den "
    "först. Saknas fält för spärrmarkering: skriv i beskrivningen att uppgifterna inte får användas.",
    "en": "A private customer is one person account under two ids. Delete the account, not the contact, then empty it "
    "from the recycle bin. If the record is blocked by one beneath it that is to be kept: decide on that one first. "
    "Where there is no field for a mark: write in the description that the data must not be used.",
}
_SHARED: Final = {
    "sv": "Posten gäller fler personer, så bara kopplingen till den här personen är borttagen. Läs igenom texterna och "
    "ta bort det som gäller personen.",
    "en": "The record is about other people too, so only the link to this person was removed. Read the texts and take "
    "out what is about the person.",
}
_BUSINESS: Final = {
    "sv": "Öppna posten i Salesforce. Ta bort personens namn, adress och kontaktuppgifter om affären inte behöver dem, "
    "eller radera posten om den bara gäller personen.",
    "en": "Open the record in Salesforce. Take out the person's name, address and contact details where the business "
    "doesn't need them, or delete the record if it is only about the person.",
}

INSTRUCTIONS: Final = {
    "contact": _PERSON,
    "lead": _PERSON,
    "account": {
        "sv": "Ett företags kundkonto raderas inte: det gäller företaget. Läs igenom beskrivning och fritextfält och "
        "ta bort det som gäller personen. En privatkunds kundkonto (person account) raderas i Salesforce och töms "
        "sedan ur papperskorgen.",
        "en": "A company's account is not deleted: it is about the company. Read its description and free texts and "
        "take out what is about the person. A private customer's account (person account) is deleted in Salesforce, "
        "then emptied from the recycle bin.",
    },
    "individual": _PERSON,
    "contact_history": _HISTORY,
    "lead_history": _HISTORY,
    "other": {
        "sv": "Posten pekar på personen men raderas inte tillsammans med den. Avgör om den bara gäller personen: "
        "radera den i så fall och töm den ur papperskorgen, annars ta bort kopplingen och det som gäller personen.",
        "en": "The record points to the person but is not deleted along with them. Decide whether it is about the "
        "person only: then delete it and empty it from the recycle bin, else remove the link and what is about the "
        "person.",
    },
    "opportunity": _BUSINESS,
    "quote": _BUSINESS,
    "order": _BUSINESS,
    "case": _SHARED,
    "task": _SHARED,
    "event": _SHARED,
    "email": _SHARED,
    "file": {
        "sv": "Filen är kopplad till någon annans post också, så bara kopplingen till den här personen är borttagen. "
        "Öppna filen och avgör om den ska raderas.",
        "en": "The file is linked to somebody else's record too, so only the link to this person was removed. Open the "
        "file and decide whether it is to be deleted.",
    },
}
"""By dataset, without its prefix."""
