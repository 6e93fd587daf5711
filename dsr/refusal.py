"""Why a request may be refused, by right. Whether one of these holds is a person's recorded decision, always: nothing
here refuses anything by itself (Art. 12(5) GDPR, last sentence: the controller bears the burden of proof)."""

from typing import Final

_ALWAYS: Final = ("identity", "manifestly_excessive", "manifestly_unfounded")
"""Art. 11(2) and 12(2), (6): who asks can't be told; Art. 12(5)(b)."""
_OWN: Final[dict[str, tuple[str, ...]]] = {
    "erasure": ("no_ground", "legal_obligation", "legal_claims", "freedom_of_expression"),
    "restriction": ("no_ground", "accurate"),
    "rectification": ("accurate",),
    "objection": ("compelling_grounds", "legal_claims"),
    "withdrawal": ("not_consent",),
}
"""Art. 17(1), (3)(b), (e), (a); 18(1); 16; 21(1); 7(3): there is no consent to withdraw. Access and portability are
never refused whole on another ground: what of them concerns others is left out, and said (Art. 15(4), 20(4))."""
REASONS: Final = (*_ALWAYS, *dict.fromkeys(reason for own in _OWN.values() for reason in own))
"""All of them, in the order in which a letter names them."""


def reasons(right: str, ground: str = "") -> tuple[str, ...]:
    """Those that a request of that right may be refused for. `ground`: of an objection; one to direct marketing
    (Art. 21(3)) knows none of its own."""
    return _ALWAYS if ground == "direct_marketing" else (*_ALWAYS, *_OWN.get(right, ()))
