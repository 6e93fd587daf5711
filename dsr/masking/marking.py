"""`apply`: masks made visible."""

from collections.abc import Iterable, Mapping

from dsr.masking.masks import Mask


def markers(language: str) -> Mapping[str, str]:
    """Kind of mask → what stands in its place, brackets included. FileNotFoundError for an unknown language."""
    raise NotImplementedError


def apply(text: str, masks: Iterable[Mask], language: str = "sv") -> str:
    """The text with each mask's span replaced by the marker of its kind, which tells nothing of its length; all else
    verbatim. A mask that begins or ends inside a grapheme takes the whole of it; overlapping ones become one marker.

    ValueError("mask.outside_text") when a mask isn't within the text: it belongs to another text.
    """
    raise NotImplementedError
