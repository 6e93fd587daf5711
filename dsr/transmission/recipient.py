"""The contract of a recipient: another controller that an administrator has allowed."""

from typing import Protocol

from dsr.transmission.receipt import Receipt
from dsr.transmission.upload import Upload


class Recipient(Protocol):
    """One of the allowed controllers. Where it is and how to sign in comes from the installation, never from a
    request."""

    @property
    def key(self) -> str:
        """The name by which a request asks for it, `dsr.vocabulary.RECIPIENT_KEY`."""
        ...

    @property
    def title(self) -> str:
        """Its name in words, as the person reads it."""
        ...

    def send(self, upload: Upload) -> Receipt:
        """Send what isn't there yet, and give the recipient's receipt.

        Called again after an error, in another process too, it goes on from `upload.state`; when everything is there
        it sends nothing. TransientError and PermanentError only. The receipt is as the recipient gave it: the caller
        compares it with the upload.
        """
        ...
