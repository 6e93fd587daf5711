"""How much of what is others' in a text the proposed masks hide. `python -m benchmarks.masks --help`.

Made-up texts of a made-up population (`benchmarks.mentions`), whose truth is known: other people by full name, in
parts, inverted, with initials, in small letters and in the genitive, their addresses, telephone and personal numbers;
the subject's own in the same ways; and words that are names elsewhere ("per dag", "ett par"). Beside it, in the same
run, what plain regular expressions for e-mail addresses and telephone numbers would hide. Results are printed and
written to var/bench/masks.json.

recall      of others' mentions, those that are hidden to the last letter
precision   of the letters and digits that are hidden, those that are others'; names that are the subject's, too, apart
own         the subject's own mentions of which anything is hidden
seconds     of CPU for a megabyte of UTF-8, the median of the repetitions
"""

import argparse
import json
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.mentions import OTHERS, OWN, WAYS, Story, stories
from benchmarks.population import Population
from dsr.masking import KnownPeople, Mask, propose

ROOT: Final = Path(__file__).parent.parent
LIMITS: Final = {"own": 0, "recall": 0.97, "precision": 0.97, "seconds": 5}
"""The subject's mentions; shares; CPU seconds per megabyte."""
_EMAIL: Final = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_PHONE: Final = re.compile(r"(?:\+|0)\d[\d \-()]{6,15}\d")

Proposing = Callable[[Story], Sequence[Mask]]


def rules(known: KnownPeople) -> Proposing:
    """As in operation."""
    return lambda story: propose(story.text, known, story.subject)


def expressions(story: Story) -> list[Mask]:
    """The baseline: what looks like an e-mail address or a telephone number."""
    own = {*story.subject.emails, *story.subject.phones}
    return [
        Mask(*found.span(), kind)
        for kind, pattern in (("email", _EMAIL), ("phone", _PHONE))
        for found in pattern.finditer(story.text)
        if found[0] not in own
    ]


def measure(told: Sequence[Story], known: Sequence[KnownPeople], repetitions: int, baseline: bool) -> dict[str, Any]:
    """Recall by way of mention and in all, precision, own mentions touched, seconds per megabyte."""
    seen: Counter[tuple[str, str]] = Counter()
    hidden: Counter[tuple[str, str]] = Counter()
    right = total = 0
    size = sum(len(story.text.encode()) for story in told)
    proposing = [expressions if baseline else rules(people) for people in known]
    times = []
    for _ in range(repetitions):
        begun = time.process_time()
        proposed = [propose_masks(story) for propose_masks, story in zip(proposing, told, strict=True)]
        times.append((time.process_time() - begun) / size * 1e6)
    for story, masks in zip(told, proposed, strict=True):
        under = {n for mask in masks for n in range(mask.start, mask.end) if story.text[n].isalnum()}
        theirs: set[int] = set()
        shared: set[int] = set()
        for mention in story.mentions:
            letters = {n for n in range(mention.start, mention.end) if story.text[n].isalnum()}
            touched = letters <= under if mention.whose == OTHERS else bool(letters & under)
            if mention.whose != OWN:
                (theirs if mention.whose == OTHERS else shared).update(letters)
            for way in (mention.way, "all"):
                seen[mention.whose, way] += 1
                hidden[mention.whose, way] += touched
        right += len(under & theirs)
        total += len(under - shared)
    recall = {way: hidden[OTHERS, way] / max(1, seen[OTHERS, way]) for way in ("all", *WAYS)}
    return {
        "mentions": seen[OTHERS, "all"],
        "recall": recall,
        "precision": right / max(1, total),
        "own": hidden[OWN, "all"],
        "own_of": seen[OWN, "all"],
        "seconds": statistics.median(times),
    }


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write; 1 when a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=5_000)
    parser.add_argument("--texts", type=int, default=1_000)
    parser.add_argument("--sentences", type=int, default=40)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    told = list(stories(Population(options.people, options.seed), options.texts, options.sentences))
    known = [KnownPeople(story.known) for story in told]
    found = measure(told, known, options.repetitions, baseline=False)
    held = {
        "own": found["own"] <= LIMITS["own"],
        "recall": found["recall"]["all"] >= LIMITS["recall"],
        "precision": found["precision"] >= LIMITS["precision"],
        "seconds": found["seconds"] <= LIMITS["seconds"],
    }
    results: dict[str, Any] = vars(options) | {"rules": found, "held": held}
    results["expressions"] = measure(told, known, options.repetitions, baseline=True)
    target = ROOT / "var" / "bench" / "masks.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(results, indent=2) + "\n")
    _show(results)
    return 0 if all(held.values()) else 1


def _show(results: dict[str, Any]) -> None:
    one, other = results["rules"], results["expressions"]
    print(
        f"{one['mentions']:,} mentions of others in {results['texts']:,} texts; beside the rules: e-mail and telephone"
    )
    print(f"by regular expressions\n\n{'':18}{'rules':>9}{'expressions':>13}")
    for way, share in one["recall"].items():
        print(f"recall {way:16}{share:>9.2%}{other['recall'][way]:>13.2%}")
    print(f"{'precision':23}{one['precision']:>9.2%}{other['precision']:>13.2%}")
    print(f"{'own, of ' + str(one['own_of']):23}{one['own']:>9}{other['own']:>13}")
    print(f"{'seconds per MB':23}{one['seconds']:>9.2f}{other['seconds']:>13.2f}\n")
    for name, held in results["held"].items():
        sign = ">=" if name in ("recall", "precision") else "<="
        print(f"{'held  ' if held else 'BROKEN'} {name} {sign} {LIMITS[name]}")


if __name__ == "__main__":
    sys.exit(main())
