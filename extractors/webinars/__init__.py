"""Webinars: Zoom Webinars API v2. See `source.Webinars`."""

from extractors.webinars.source import Webinars

__all__ = ["Webinars"]
