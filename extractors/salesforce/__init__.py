"""Salesforce: contacts and leads, and all that hangs on them by their own role."""

from extractors.salesforce.source import Salesforce

__all__ = ["Salesforce"]
