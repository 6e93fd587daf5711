"""The source systems, one module each. A new system is its module, its schemas and one line here."""

from typing import Final

from dsr.source import Source
from extractors.invoicing import Invoicing
from extractors.pardot import Pardot
from extractors.recordings import Recordings
from extractors.salesforce import Salesforce
from extractors.webinars import Webinars

SOURCES: Final[tuple[type[Source], ...]] = (Salesforce, Pardot, Invoicing, Webinars, Recordings)
"""In the order in which they stand in the graph and in the search report."""
