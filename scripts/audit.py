"""`make audit`: known weaknesses of the locked packages, and secrets among the files of the repository.

    packages  pip-audit asks an advisory service (PyPI's, or OSV's with --service osv) about every package of uv.lock. A
              service that can't be asked is said to be so, and is no failure: what nobody looked at is neither good
              nor bad. Whether it can be asked is seen by a version of which every service knows weaknesses.
    secrets   detect-secrets looks at every file that git knows. What it knows already, tests' passwords and examples,
              is in .secrets.baseline, by hash; a new one fails. Look at it, then `python scripts/audit.py --accept`.

Ends with 1 when there are findings.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
BASELINE: Final = ".secrets.baseline"
KNOWN_WEAK: Final = "urllib3==1.26.4"
"""CVE-2021-33503 and later ones."""
_TIMEOUT_S: Final = 1200


def locked(lock: Path) -> list[str]:
    """`name==version` of every package of a uv.lock that comes from an index."""
    packages: list[dict[str, Any]] = tomllib.loads(lock.read_text(encoding="utf-8"))["package"]
    return sorted(f"{p['name']}=={p['version']}" for p in packages if "registry" in p["source"])


def asked(requirements: Sequence[str], service: str) -> tuple[dict[str, list[str]], int]:
    """What a service knows about these: requirement → ids of advisories, for those that have any; and about how many it
    answered. ({}, 0) when it can't be reached."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(requirements) + "\n")
        file.flush()
        options = ["--disable-pip", "--no-deps", "-r", file.name, "-f", "json", "-s", service]
        command = [sys.executable, "-m", "pip_audit", *options, "--progress-spinner", "off", "--timeout", "10"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    try:
        told = json.loads(ended.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return {}, 0
    answered = [one for one in told if "vulns" in one]
    weak = {f"{o['name']}=={o['version']}": [v["id"] for v in o["vulns"]] for o in answered if o["vulns"]}
    return weak, len(answered)


def packages(service: str) -> int:
    """How many locked packages have a known weakness, each named on standard output."""
    if not asked([KNOWN_WEAK], service)[0]:
        print(f"audit: NOT ASKED: the advisory service {service!r} gives no answer from here; no package was looked at")
        return 0
    wanted = locked(ROOT / "uv.lock")
    weak, answered = asked(wanted, service)
    for requirement, ids in sorted(weak.items()):
        print(f"audit: {requirement}: {' '.join(ids)}")
    print(f"audit: {answered} of {len(wanted)} locked packages looked at, {len(weak)} with known weaknesses")
    return len(weak)


def secrets(root: Path, baseline: str) -> int:
    """1 when a file holds a secret that the baseline doesn't name, with its place on standard output; else 0."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True)
    files = [name for name in listed.stdout.split("\0") if name and name not in (baseline, "uv.lock")]
    command = [sys.executable, "-m", "detect_secrets.pre_commit_hook", "--baseline", baseline, *files]
    before = (root / baseline).read_bytes()
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    (root / baseline).write_bytes(before)  # the hook notes lines that have moved
    if ended.returncode == 1:
        print(ended.stdout)
        return 1
    if ended.returncode not in (0, 3):
        raise RuntimeError(f"detect-secrets ended with {ended.returncode}: {ended.stderr[-500:]}")
    print(f"audit: no new secret in {len(files)} files")
    return 0


def accept(root: Path, baseline: str) -> None:
    """Writes what is there now into the baseline."""
    command = [
        sys.executable,
        "-m",
        "detect_secrets",
        "scan",
        "--slim",
        "--exclude-files",
        r"uv\.lock|\.secrets\.baseline",
    ]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
    found = json.loads(ended.stdout)
    (root / baseline).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Both; 1 when either finds something."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--service", choices=("pypi", "osv"), default="pypi", help="whom to ask about packages")
    parser.add_argument("--accept", action="store_true", help="take all secrets that are found now for known")
    args = parser.parse_args(arguments)
    if args.accept:
        accept(ROOT, BASELINE)
        return 0
    found = [packages(args.service), secrets(ROOT, BASELINE)]
    return int(any(found))


if __name__ == "__main__":
    sys.exit(main())
