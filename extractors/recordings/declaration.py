"""What the store of call recordings says about itself."""

from typing import Final

from dsr.source import Dataset, Declaration, Exclusion

_PROCESSING: Final = "calls"

DECLARATION: Final = Declaration(
    name="recordings",
    title="Call recordings",
    title_sv="Inspelade samtal",
    role="controller",
    connection_type="aws",
    connection_fields={
        "login": "access key of an identity that may list versions and read objects",
        "password": "its secret key",
        "extra.bucket": "the bucket",
        "extra.region_name": "its region",
        "extra.endpoint_url": "address of the S3 service; Amazon's when left out",
        "extra.ca": "file of the authority that signed the service's certificate; the public ones when left out",
        "extra.agent_voice": "mute (default): the employee's channel is silenced; keep: recordings are given whole",
    },
    datasets=(
        Dataset(
            "call_record",
            "Calls",
            "interactions",
            "observed",
            ("pd:TelephoneNumber", "pd:VoiceCommunicationRecording"),
            _PROCESSING,
            "delete",
        ),
        Dataset(
            "call_transcript_line",
            "Calls: transcript",
            "interactions",
            "observed",
            ("pd:VoiceCommunicationRecording",),
            _PROCESSING,
            "delete",
        ),
    ),
    finds_by=("call_contact", "phone", "email"),
    exclusions=(
        Exclusion(
            "Redacted copies of recordings and transcripts",
            "They hold the same call with parts cut out; the whole one is given.",
        ),
        Exclusion("Superseded versions", "A newer version of the same object is given; binned objects are given too."),
        Exclusion(
            "The employee's name, voice and rated mood",
            "They are the employee's data (Art. 15(4)) and counted as withheld. The employee's words stand in the"
            " transcript, under the role.",
        ),
    ),
    indexed=True,
)
