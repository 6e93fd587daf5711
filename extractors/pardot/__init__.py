"""Salesforce Marketing Cloud Account Engagement, formerly Pardot: prospects and what marketing knows of them."""

from extractors.pardot.source import Pardot

__all__ = ["Pardot"]
