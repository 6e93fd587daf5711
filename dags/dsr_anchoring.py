"""The end of the ledger, noted outside of it: see `dsr_tasks`."""

import logging

from airflow.sdk import task

from dsr.errors import DsrError, TransientError
from dsr_coded import coded
from dsr_workplace import Workplace, now

log = logging.getLogger("dsr")


@task(show_return_value_in_logs=False)
@coded
def anchor_ledger() -> None:
    """Walks the whole ledger, and mails its end, signed, to DSR_ANCHOR_TO; if that names nobody it only walks.

    **`ledger.tampered`**: an event was edited, taken away, put in or moved, or the end is signed by nobody who has the
    key. Stop who may write to the database, keep it as it is, and compare it with the last backup and the last of these
    mails: `python -m dsr verify-ledger`. **Up for retry**: the mail server is down, or puts one off; who has it may
    get it again, under the same Message-ID. **Red**, `smtp.5…`: it refuses an address; the others have the mail.
    """
    from dsr.report.anchoring import anchor_mails
    from dsr.signing import Signer

    place = Workplace()
    count = place.ledger.verify()
    log.info("%s events, all as they were written", count)
    if not place.settings.anchor_to:
        log.info("DSR_ANCHOR_TO names nobody who would be told where it ends")
        return
    signer = Signer.from_settings(place.settings)
    failed: list[DsrError] = []
    for mail in anchor_mails(place.ledger.head(), signer, place.settings, now()):
        try:
            place.send_mail(mail)
        except DsrError as error:
            failed.append(error)
    if failed:
        # Who may still get it is tried again, although the others then get it twice, under the same Message-ID.
        raise next((error for error in failed if isinstance(error, TransientError)), failed[0])
