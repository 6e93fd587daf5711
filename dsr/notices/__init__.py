"""Telling the recipients of personal data what was rectified, erased or restricted (Art. 19 GDPR): by OpenDSR 2.0
(https://github.com/opengdpr/OpenDSR) where they have it, by mail where not."""

from dsr.notices.notice import KINDS, LIFTED, Notice
from dsr.notices.opendsr import OpenDsr
from dsr.notices.receipt import Receipt, Status

__all__ = ["KINDS", "LIFTED", "Notice", "OpenDsr", "Receipt", "Status"]
