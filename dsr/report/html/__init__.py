"""The report that a person reads: `index.html` and its pages. Works offline, from the file system, without script."""

from dsr.report.html.report import members, prepare

__all__ = ["members", "prepare"]
