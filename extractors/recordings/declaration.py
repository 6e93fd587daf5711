"""What the store of call recordings says about itself.

Writing has a connection of its own, `dsr_recordings_write`, with the same fields. Its identity may, in that bucket:
list versions and unfinished uploads, get and put objects, delete versions, get and put tags, get retention and legal
hold, abort uploads. It must not bypass governance retention nor change locks, policy or versioning.
"""

from collections.abc import Mapping
from typing import Final

from dsr.source import Dataset, Declaration, Exclusion

_PROCESSING: Final = "calls"
_INSTRUCTIONS: Final[Mapping[str, str]] = {
    "sv": (
        "Talar någon annan utomstående i samtalet: lyssna, och klipp ut eller radera bara personens del. Ligger en "
        "leverans med flera personers poster i papperskorgen, eller saknar den nyaste versionen andras poster: rensa "
        "den för hand. Pekar följefilen på ett annat samtals fil: rätta följefilen först. Det som ett lås håller kvar "
        "raderas när låset har gått ut. Bygg om indexet över samtalen, om det finns ett, och radera Amazon Connects "
        "egen post (DeleteContactData). Rättelse: lägg personens egen uppgift bredvid inspelningen."
    ),
    "en": (
        "If somebody else from outside speaks in the call: listen, and cut out or erase the person's part alone. If a "
        "delivery with several people's records lies in the bin, or its newest version lacks records of others: clean "
        "it by hand. If the sidecar names another call's file: correct the sidecar first. What a lock keeps is erased "
        "once the lock has ended. Rebuild the index of calls, if there is one, and delete Amazon Connect's own record "
        "(DeleteContactData). Rectification: keep the person's own statement beside the recording."
    ),
}

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
        "extra.agent_voice": "mute (default): the employee's channel is silenced, and where all speak in one, a person "
        "decides; keep: recordings are given whole",
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
            instructions=_INSTRUCTIONS,
        ),
        Dataset(
            "call_transcript_line",
            "Calls: transcript",
            "interactions",
            "observed",
            ("pd:VoiceCommunicationRecording",),
            _PROCESSING,
            "delete",
            instructions=_INSTRUCTIONS,
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
