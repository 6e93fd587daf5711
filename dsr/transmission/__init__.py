"""Sending a package to another controller on the person's instruction (Art. 20(2) GDPR): what is sent, to whom, and
what proves that it arrived."""

from dsr.transmission.receipt import Receipt
from dsr.transmission.recipient import Recipient
from dsr.transmission.tus import TusRecipient
from dsr.transmission.upload import Upload

__all__ = ["Receipt", "Recipient", "TusRecipient", "Upload"]
