"""The stack's register of processing: a copy of the example whose rows are confirmed, so that its answers don't stop at
a person. An installation of one's own starts unconfirmed."""

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from dsr.register import Register, confirming

_BY: Final = "demonstration"
_ENDPOINT: Final = re.compile(r"^    connection: dsr_notice_(\w+)$", re.MULTILINE)


def confirmed_register(folder: Path) -> dict[str, str]:
    """Makes it anew in `folder`; the settings that name it and its controller."""
    shutil.rmtree(folder, ignore_errors=True)
    confirming.copy(folder)
    recipients = folder / "recipients.yaml"
    # Where the end of a restriction is told, which OpenDSR has no words for.
    told = _ENDPOINT.sub(r"\g<0>\n    to: notices@\1.example\n    language: en", recipients.read_text(encoding="utf-8"))
    recipients.write_text(told, encoding="utf-8")
    for row in Register.load(folder).activities:
        confirming.confirm(folder, row, _BY, datetime.now(UTC))
    controller = Register.load(folder).controller
    return {
        "DSR_REGISTER": str(folder),
        "DSR_CONTROLLER_NAME": controller.name,
        "DSR_CONTROLLER_MAIL": controller.dpo_mail,
        "DSR_CONTROLLER_ADDRESS": controller.address,
    }
