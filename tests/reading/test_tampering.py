"""A package that isn't whole is refused, whatever isn't whole about it, and nothing of it is returned."""

import hashlib
import io
import json
import os
import stat
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from made_up_packages import LEDGER, PUBLIC_KEY, repacked, source, written
from made_up_sources import NOTE

import dsr
from dsr.casefile import CaseFile
from dsr.errors import PermanentError
from dsr.reading import Limits, PackageError
from dsr.reading.error import WORDS

Files = dict[str, bytes]
Change = Callable[[Files], None]


@pytest.fixture
def package(case: CaseFile, tmp_path: Path) -> Path:
    """One as it should be."""
    return written(case, tmp_path, source())


def refused(path: Path, **more: object) -> PackageError:
    """The error for a package that must not be read."""
    with pytest.raises(PackageError) as caught:
        dsr.read_package(path, **more)  # type: ignore[arg-type]
    assert isinstance(caught.value, PermanentError)
    assert caught.value.code in WORDS
    assert caught.value.words
    return caught.value


def resealed(files: Files, path: str, content: bytes | None) -> None:
    """Changes, adds or (None) removes a file and everything that speaks of it, as a careful forger would."""
    old = files.pop(path, b"")
    if content is not None:
        files[path] = content
    described = json.loads(files["datapackage.json"])
    kept = [r for r in described["resources"] if r["path"] != path]
    if content is not None:
        digest = hashlib.sha256(content).hexdigest()
        kept.append({"name": "x", "path": path, "bytes": len(content), "hash": f"sha256:{digest}"})
    files["datapackage.json"] = json.dumps({**described, "resources": kept}).encode()
    del old
    rebagged(files)


def rebagged(files: Files) -> None:
    """The bag's own files made anew."""
    payload = {path: content for path, content in files.items() if path.startswith("data/")}
    files["manifest-sha256.txt"] = manifest(payload)
    size = sum(map(len, payload.values()))
    files["bag-info.txt"] = f"Bagging-Date: 2026-11-20\nPayload-Oxum: {size}.{len(payload)}\n".encode()
    tags = {p: c for p, c in files.items() if not p.startswith("data/") and p != "tagmanifest-sha256.txt"}
    files["tagmanifest-sha256.txt"] = manifest(tags)


def manifest(files: Files) -> bytes:
    """As the package writes it."""
    return "".join(f"{hashlib.sha256(files[path]).hexdigest()}  {path}\n" for path in sorted(files)).encode()


def test_every_single_file_is_watched(package: Path) -> None:
    """Each file changed by a byte, cut short, or taken away."""
    with zipfile.ZipFile(package) as whole:
        names = whole.namelist()
    for name in names:
        for change in (
            lambda files, name=name: files.update(
                {name: files[name][:-2] + bytes([files[name][-2] ^ 1, files[name][-1]])}
            ),
            lambda files, name=name: files.update({name: files[name][:-1]}),
            lambda files, name=name: files.pop(name),
        ):
            error = refused(repacked(package, change))
            assert error.code in {
                "manifest.mismatch", "manifest.unreadable", "file.missing", "file.unlisted", "bag.invalid",
            }, name  # fmt: skip


@pytest.mark.parametrize("name", ["extra.txt", "data/interactions/extra.json", "schemas/extra.json", "bagit2.txt"])
def test_a_stray_file_is_refused(package: Path, name: str) -> None:
    """Wherever it lies."""
    error = refused(repacked(package, lambda files: files.update({name: b"{}"})))
    assert (error.code, error.file) == ("file.unlisted", name)


def test_a_careful_forger_is_caught_by_the_signature(package: Path) -> None:
    """Whoever makes all hashes anew is only refused by whoever knows the key."""

    def forge(files: Files) -> None:
        path = f"data/interactions/{NOTE}.json"
        resealed(files, path, files[path].replace(b"=1+1", b"=1+2"))

    forged = repacked(package, forge)
    with dsr.read_package(forged) as contents:
        assert contents.verified == "hashed"
    signature = Path(f"{package}.minisig")
    assert refused(forged, public_key=PUBLIC_KEY, signature=signature).code == "signature.wrong"
    assert refused(forged, public_key=PUBLIC_KEY).code == "signature.missing"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda f: resealed(f, f"data/purchases/{LEDGER}.json", b"[\n]\n"), "dataset.mismatch"),
        (lambda f: resealed(f, f"data/purchases/{LEDGER}.json", b"[1, 2]"), "json.damaged"),
        (lambda f: resealed(f, f"data/purchases/{LEDGER}.json", b"[\n{},\n{}\n"), "json.damaged"),
        (lambda f: resealed(f, f"data/purchases/{LEDGER}.json", b"[" * 100_000), "json.damaged"),
        (lambda f: resealed(f, f"data/purchases/{LEDGER}.json", None), "file.missing"),
        (lambda f: resealed(f, f"data/purchases/{LEDGER}.csv", None), "file.missing"),
        (lambda f: resealed(f, "data/attachments/att-0001.wav", b"RIFF"), "attachment.mismatch"),
        (lambda f: resealed(f, "data/attachments/att-0001.wav", None), "file.missing"),
        (lambda f: resealed(f, f"schemas/{LEDGER}.schema.json", None), "file.missing"),
        (lambda f: resealed(f, f"schemas/{LEDGER}.schema.json", b'{"type": 7}'), "schema.invalid"),
        (lambda f: resealed(f, f"schemas/{LEDGER}.schema.json", b'{"$ref": "http://127.0.0.1:9/x"}'), "schema.invalid"),
        (lambda f: resealed(f, "profile.json", b'{"attributes": 1}'), "schema.violation"),
        (lambda f: resealed(f, "profile.json", b"{"), "json.damaged"),
        (lambda f: resealed(f, "search-report.json", b"[]"), "schema.violation"),
        (lambda f: resealed(f, "document.json", b"{}"), "schema.violation"),
        (lambda f: resealed(f, "document.json", b"[]"), "schema.violation"),
        (lambda f: resealed(f, "document.json", None), "file.missing"),
        (lambda f: [resealed(f, "schemas/document.schema.json", b"{}"), resealed(f, "document.json", b"{}")],
         "document.mismatch"),
        (lambda f: [f.update({"bagit.txt": b"BagIt-Version: 0.97\n"}),
                    f.update({"tagmanifest-sha256.txt": manifest({p: c for p, c in f.items()
                              if not p.startswith("data/") and p != "tagmanifest-sha256.txt"})})], "bag.invalid"),
    ],
)  # fmt: skip
def test_parts_that_contradict_each_other(package: Path, change: Change, code: str) -> None:
    """Even where all hashes are right."""
    assert refused(repacked(package, change)).code == code


def test_a_descriptor_that_says_otherwise(package: Path) -> None:
    """A file with another hash, one twice, one not described, one that isn't there."""

    def described(change: Callable[[list[dict[str, object]]], None]) -> Change:
        def apply(files: Files) -> None:
            descriptor = json.loads(files["datapackage.json"])
            change(descriptor["resources"])
            files["datapackage.json"] = json.dumps(descriptor).encode()
            rebagged(files)

        return apply

    for change, code in (
        (lambda r: r[0].update(hash="sha256:" + "0" * 64), "descriptor.mismatch"),
        (lambda r: r[0].update(bytes=1), "descriptor.mismatch"),
        (lambda r: r.append(r[0]), "descriptor.mismatch"),
        (lambda r: r.pop(), "descriptor.mismatch"),
        (lambda r: r[0].update(path="https://example.com/x.csv"), "file.missing"),
        (lambda r: r[0].update(path=["README.txt"]), "descriptor.mismatch"),
    ):
        assert refused(repacked(package, described(change))).code == code


@pytest.mark.parametrize(
    "name", ["../evil.txt", "/etc/evil", "C:\\evil", "data\\evil", "a/../b", "./a", "a//b", "a/", "å.txt", ".hidden",
             "a\x00b", "con\x1b[31m", "x" * 401],
)  # fmt: skip
def test_unsafe_paths(package: Path, name: str) -> None:
    """None leads out of the package, and none reaches a terminal as it is."""
    error = refused(repacked(package, lambda files: files.update({name: b"x"})))
    assert error.code in {"path.unsafe", "path.special", "file.unlisted"}
    assert error.words.isprintable()


def test_links_duplicates_and_bombs(package: Path, tmp_path: Path) -> None:
    """In the ZIP's own directory."""
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    spoiled = tmp_path / "spoiled.zip"
    for added, code in ((link, "path.symlink"), ("README.txt", "path.duplicate"), ("readme.TXT", "path.duplicate")):
        spoiled.write_bytes(package.read_bytes())
        with warnings.catch_warnings(), zipfile.ZipFile(spoiled, "a") as more:
            warnings.simplefilter("ignore")
            more.writestr(added, b"/etc/passwd")
        assert refused(spoiled).code == code
    bomb = repacked(package, lambda files: files.update({"data/bomb.bin": bytes(50_000_000)}))
    assert refused(bomb, limits=Limits(ratio_from=1_000_000)).code == "limit.ratio"
    assert refused(package, limits=Limits(bytes=1000)).code == "limit.bytes"
    assert refused(package, limits=Limits(files=3)).code == "limit.files"
    assert refused(package, limits=Limits(whole=10)).code == "limit.bytes"


def test_damaged_archives(package: Path, tmp_path: Path) -> None:
    """Cut off at any place, a byte turned in any place, something else altogether, nothing there."""
    content = package.read_bytes()
    spoiled = tmp_path / "spoiled.zip"
    for cut in range(0, len(content), len(content) // 20):
        spoiled.write_bytes(content[:cut])
        assert refused(spoiled).code == "archive.damaged"
    unnoticed = 0
    for place in range(7, len(content), len(content) // 60):
        turned = bytearray(content)
        turned[place] ^= 0x41
        spoiled.write_bytes(turned)
        try:
            dsr.read_package(spoiled).close()
            unnoticed += 1  # a time stamp or another field that says nothing about content
        except PackageError:
            pass
        assert refused(spoiled, public_key=PUBLIC_KEY, signature=f"{package}.minisig").code == "signature.wrong"
    assert unnoticed < 20
    assert refused(tmp_path / "nowhere.zip").code == "package.missing"


def test_an_unpacked_folder(package: Path, tmp_path: Path) -> None:
    """Read like the ZIP; links, strays and changes are refused, a signature can't be of a folder."""
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(package) as whole:
        whole.extractall(folder)
    with dsr.read_package(folder) as contents:
        assert len(contents.frames[LEDGER]) == 2
        (folder / "data/attachments/att-0001.wav").write_bytes(b"other")
        with pytest.raises(PackageError, match=r"file\.changed"):
            contents.open(contents.attachments[0]).read()
    assert refused(folder, public_key=PUBLIC_KEY).code == "signature.needs_file"
    assert refused(folder).code == "manifest.mismatch"
    (folder / "README.txt").rename(tmp_path / "README.txt")
    (folder / "README.txt").symlink_to(tmp_path / "README.txt")
    assert refused(folder).code == "path.symlink"
    (folder / "README.txt").unlink()
    os.mkfifo(folder / "README.txt")
    assert refused(folder).code == "path.special"


def test_the_hash_beside_the_file(package: Path) -> None:
    """Looked at when it is there."""
    beside = Path(f"{package}.sha256")
    beside.write_text(beside.read_text().upper().replace(package.name.upper(), package.name))
    dsr.read_package(package).close()
    beside.write_text("0" * 64 + f"  {package.name}\n")
    assert refused(package).code == "hash.mismatch"
    beside.write_text("nothing\n")
    assert refused(package).code == "hash.unreadable"


def test_an_error_says_nothing_of_the_content(package: Path) -> None:
    """Names of files as printable ASCII, cut; never what is in them."""
    name = "Åsa Öhrnqvist\n\x1b]0;owned\x07" + "x" * 300
    error = refused(repacked(package, lambda files: files.update({name: b"x"})))
    assert str(error).isascii()
    assert str(error).isprintable()
    assert len(str(error)) < 240
    assert io.StringIO(error.words).read().isprintable()


def test_silence_in_a_recording_is_no_bomb(case: CaseFile, tmp_path: Path) -> None:
    """It deflates 800:1; what the package itself writes doesn't, and that is still looked at."""
    quiet = source()
    quiet.files = [("1", "tyst.wav", "wav", bytes(20_000_000))]
    path = written(case, tmp_path, quiet)
    strict = Limits(ratio=50, ratio_from=1_000_000)
    with dsr.read_package(path, limits=strict) as contents:
        assert [attachment.bytes for attachment in contents.attachments] == [20_000_000]
    assert refused(path, limits=Limits(bytes=10_000_000)).code == "limit.bytes"
    for name in ("data/attachments/attachments.json", "data/interactions/bomb.json", "bomb.json"):
        bomb = repacked(path, lambda files, name=name: files.update({name: b" " * 50_000_000}))
        assert refused(bomb, limits=strict).code == "limit.ratio"
