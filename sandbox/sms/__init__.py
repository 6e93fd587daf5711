"""A gateway that takes text messages."""
