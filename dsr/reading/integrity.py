"""Whether a package is whole: every file is the one that both descriptors name, and they name every file."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

from dsr.reading.agreement import check_agreement
from dsr.reading.container import Container, Limits
from dsr.reading.error import PackageError
from dsr.reading.verified import Verified

_CHUNK: Final = 1024 * 1024
_LINE: Final = re.compile(r"([0-9a-f]{64})  (\S+)")
_OXUM: Final = re.compile(r"^Payload-Oxum: (\d+)\.(\d+)$", re.MULTILINE)
_TAGS: Final = "tagmanifest-sha256.txt"
_PAYLOAD: Final = "manifest-sha256.txt"
_DESCRIPTOR: Final = "datapackage.json"
_BAG: Final = frozenset({_DESCRIPTOR, "bagit.txt", "bag-info.txt", _PAYLOAD, _TAGS})
"""What `datapackage.json` doesn't describe: itself, and the files that are made of what it describes."""


def verified(container: Container, limits: Limits) -> Verified:
    """The package, once it was found whole. PackageError names the first thing that isn't as it should be."""
    hashes = _listed(container, limits)
    for path, stated in hashes.items():
        if _hash(container, path) != stated:
            raise PackageError("manifest.mismatch", path)
    _check_bag(container, hashes, limits)
    package = Verified(container, hashes, limits)
    _check_descriptor(package.descriptor, container, hashes)
    check_agreement(package)
    return package


def _listed(container: Container, limits: Limits) -> dict[str, str]:
    """Path → hash of all files that the manifests name, which must be all that are there."""
    for path in sorted(_BAG):
        if path not in container.sizes:
            raise PackageError("file.missing", path)
    payload = _manifest(container, _PAYLOAD, limits)
    tags = _manifest(container, _TAGS, limits)
    for path in [path for path in payload if not path.startswith("data/")]:
        raise PackageError("bag.invalid", path)
    for path in [path for path in tags if path.startswith("data/") or path == _TAGS]:
        raise PackageError("bag.invalid", path)
    listed = {**tags, **payload}
    for path in sorted(listed.keys() - container.sizes.keys()):
        raise PackageError("file.missing", path)
    for path in sorted(container.sizes.keys() - listed.keys() - {_TAGS}):
        raise PackageError("file.unlisted", path)
    return listed


def _manifest(container: Container, path: str, limits: Limits) -> dict[str, str]:
    entries: dict[str, str] = {}
    *lines, rest = _text(container, path, limits).split("\n")
    if rest:
        raise PackageError("manifest.unreadable", path)  # cut off: nothing else speaks of the tag manifest itself
    for line in lines:
        found = _LINE.fullmatch(line)
        if found is None:
            raise PackageError("manifest.unreadable", path)
        if found[2] in entries:
            raise PackageError("manifest.duplicate", path)
        entries[found[2]] = found[1]
    return entries


def _check_bag(container: Container, hashes: Mapping[str, str], limits: Limits) -> None:
    declared = _text(container, "bagit.txt", limits)
    if declared.split() != ["BagIt-Version:", "1.0", "Tag-File-Character-Encoding:", "UTF-8"]:
        raise PackageError("bag.invalid", "bagit.txt")
    sizes = [container.sizes[path] for path in hashes if path.startswith("data/")]
    if _OXUM.findall(_text(container, "bag-info.txt", limits)) != [(str(sum(sizes)), str(len(sizes)))]:
        raise PackageError("bag.invalid", "bag-info.txt")


def _check_descriptor(descriptor: Any, container: Container, hashes: Mapping[str, str]) -> None:
    resources = descriptor.get("resources") if isinstance(descriptor, dict) else None
    if not isinstance(resources, list):
        raise PackageError("descriptor.mismatch", _DESCRIPTOR)
    described = set()
    for resource in resources:
        path = resource.get("path") if isinstance(resource, dict) else None
        if not isinstance(path, str) or path in described or path in _BAG:
            raise PackageError("descriptor.mismatch", _DESCRIPTOR)
        described.add(path)
        if path not in hashes:
            raise PackageError("file.missing", path)
        if (resource.get("hash"), resource.get("bytes")) != (f"sha256:{hashes[path]}", container.sizes[path]):
            raise PackageError("descriptor.mismatch", path)
    for path in sorted(hashes.keys() - described - _BAG):
        raise PackageError("descriptor.mismatch", path)


def _hash(container: Container, path: str) -> str:
    digest, size = hashlib.sha256(), 0
    with container.open(path) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest() if size == container.sizes[path] else ""


def _read(container: Container, path: str, limits: Limits) -> bytes:
    if container.sizes[path] > limits.whole:
        raise PackageError("limit.bytes", path)
    with container.open(path) as file:
        return file.read()


def _text(container: Container, path: str, limits: Limits) -> str:
    try:
        return _read(container, path, limits).decode()
    except UnicodeDecodeError:
        raise PackageError("manifest.unreadable", path) from None
