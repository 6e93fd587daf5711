"""Reading a package back: first it is verified as a whole, then its parts are there as typed values.

For the engineer of a controller that receives a package, and for the officer's spot checks. Needs the extra
`dsr[analysis]` for data frames (pandas) and for ZIPs with a password (pyzipper); verifying needs neither.

    contents = dsr.read_package("dsr-….zip", public_key="minisign.pub")
    contents.frames["invoicing_invoice"]      # pandas.DataFrame, Arrow-backed
    contents.search_report, contents.decisions, contents.processing, contents.attachments
"""

from dsr.reading.container import Limits
from dsr.reading.contents import Attachment, Neutralised, PackageContents
from dsr.reading.error import PackageError
from dsr.reading.opening import read_package

__all__ = ["Attachment", "Limits", "Neutralised", "PackageContents", "PackageError", "read_package"]
