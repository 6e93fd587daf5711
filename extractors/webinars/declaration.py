"""What the webinars source says about itself.

Writing may have a connection of its own, `dsr_webinars_write`, with the same fields: an app with the scopes to delete
registrants, panelists and recording files (webinar:delete:registrant:admin, webinar:delete:panelist:admin,
cloud_recording:delete:recording_file:admin), beside those for reading.
"""

from typing import Final

from dsr.source import Dataset, Declaration, Exclusion
from extractors.webinars import instructions

_CATEGORY = "events-webinars"

DECLARATION: Final = Declaration(
    name="webinars",
    title="Webinars (Zoom)",
    title_sv="Webbinarier (Zoom)",
    role="processor",
    connection_type="http",
    connection_fields={
        "host": "API host, https://api.zoom.us when empty",
        "login": "client id of the server-to-server OAuth app",
        "password": "client secret",
        "extra.account_id": "account id of the app",
        "extra.token_url": "sign-in address, https://zoom.us/oauth/token when absent",
        "extra.hosts": "list of user ids whose webinars are indexed; all users of the account when absent",
        "extra.download_hosts": 'hosts that recordings come from, [".zoom.us"] when absent',
        "extra.ca": "path of the authority to trust instead of the public ones",
    },
    datasets=(
        Dataset(
            "webinar_registration",
            "Registrations for webinars",
            _CATEGORY,
            "provided",
            ("pd:Name", "pd:EmailAddressWork", "pd:TelephoneNumber", "pd:PhysicalAddress"),
            "events",
            "delete",
            profile={
                "first_name": "name",
                "last_name": "name",
                "email": "email",
                "phone": "phone",
                "org": "organisation",
                "job_title": "title",
            },
            instructions=instructions.SINGLE,
            unchecked=True,
        ),
        Dataset(
            "webinar_panelist",
            "Webinars you were invited to speak at",
            _CATEGORY,
            "provided",
            ("pd:Name", "pd:EmailAddressWork"),
            "events",
            "delete",
            instructions=instructions.SINGLE,
        ),
        Dataset(
            "webinar_attendance",
            "Attendance at webinars",
            _CATEGORY,
            "observed",
            ("pd:Name", "pd:EmailAddressWork"),
            "events",
            "manual",
            instructions=instructions.REPORTED,
        ),
        Dataset(
            "webinar_question",
            "Questions you asked at webinars",
            _CATEGORY,
            "provided",
            ("pd:Name", "pd:EmailAddressWork"),
            "events",
            "manual",
            instructions=instructions.REPORTED,
        ),
        Dataset(
            "webinar_poll_answer",
            "Your answers to polls at webinars",
            _CATEGORY,
            "provided",
            ("pd:Name", "pd:EmailAddressWork", "pd:Interest"),
            "events",
            "manual",
            instructions=instructions.REPORTED,
        ),
        Dataset(
            "webinar_survey_answer",
            "Your answers to surveys after webinars",
            _CATEGORY,
            "provided",
            ("pd:Name", "pd:EmailAddressWork", "pd:Interest"),
            "events",
            "manual",
            instructions=instructions.REPORTED,
        ),
        Dataset(
            "webinar_chat_message",
            "What you wrote in webinar chats",
            _CATEGORY,
            "provided",
            ("pd:Name",),
            "events",
            "delete",
            instructions=instructions.CHAT,
        ),
    ),
    finds_by=("email", "phone", "webinar_registrant"),
    exclusions=(
        Exclusion(
            "Recordings of picture and sound, and their transcripts",
            "They show several people; your part is given after a person has reviewed the recording.",
        ),
        Exclusion(
            "What others wrote in the chat, and who answered your questions",
            "It is about other people (Art. 15(4) GDPR).",
        ),
        Exclusion(
            "Attendance, questions and polls more than a year back, surveys more than six months back",
            "The vendor no longer gives them out.",
        ),
    ),
    indexed=True,
    concurrency=4,
)
