"""end_retention: erases what a law, a legal hold or the system itself kept when an erasure was carried out, once
nothing keeps it.

For each request, the records whose time has come are found by their own ids and read, and the law is applied to them
anew, as it stands on the day, with the register and the legal holds of that day. What is still kept is noted with its
new ground and day. What isn't is erased under the approval that its plan was approved under, if it surely is the record
of that plan (`deciding`); what was seen to be gone afterwards counts as erased (`erasing`). It can be killed at any
moment and called again; what a vendor only does later is asked for again the next time.
"""

from dsr.steps.end_retention.counting import CHANGED, COUNTS, GONE, PATIENCE, Ended
from dsr.steps.end_retention.ending import end_retention
from dsr.steps.end_retention.looking import Today
from dsr.steps.end_retention.stores import Approved, Stores

__all__ = ["CHANGED", "COUNTS", "GONE", "PATIENCE", "Approved", "Ended", "Stores", "Today", "end_retention"]
