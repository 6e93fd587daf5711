"""The stack's register of processing: a copy of the example whose rows are confirmed, so that its answers don't stop at
a person. An installation of one's own starts unconfirmed."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from dsr.register import Register, confirming

_BY: Final = "demonstration"


def confirmed_register(folder: Path) -> dict[str, str]:
    """Makes it anew in `folder`; the settings that name it and its controller."""
    shutil.rmtree(folder, ignore_errors=True)
    confirming.copy(folder)
    for row in Register.load(folder).activities:
        confirming.confirm(folder, row, _BY, datetime.now(UTC))
    controller = Register.load(folder).controller
    return {
        "DSR_REGISTER": str(folder),
        "DSR_CONTROLLER_NAME": controller.name,
        "DSR_CONTROLLER_MAIL": controller.dpo_mail,
        "DSR_CONTROLLER_ADDRESS": controller.address,
    }
