"""The key that wraps the cases' keys is changed: nothing is lost, and the former one opens nothing any more."""

import base64
import shutil
from pathlib import Path

import pytest

from dsr.__main__ import main
from dsr.casefile import CaseStore
from dsr.errors import PermanentError
from dsr.objectstore import ObjectStore
from dsr.settings import Settings

OLD, NEW, MASTER = bytes([1] * 32), bytes([2] * 32), bytes([3] * 32)
CASES = ("case-0001", "case-0002", "case-0003")


def text(key: bytes) -> str:
    return base64.b64encode(key).decode()


def filled(folder: Path, *keys: bytes) -> None:
    store = CaseStore(str(folder), *keys)
    for case_id in CASES:
        store.create(case_id).write_json("request", {"of": case_id})


def read(folder: Path, case_id: str, *keys: bytes) -> object:
    return CaseStore(str(folder), *keys).open(case_id).read_json("request")


def rewrap(monkeypatch: pytest.MonkeyPatch, folder: Path, **variables: str) -> int:
    monkeypatch.setenv("DSR_CASE_STORE", str(folder))
    for name, value in variables.items():
        monkeypatch.setenv(f"DSR_{name.upper()}", value)
    return main(["keys", "rewrap"])


def test_every_case_is_read_before_and_after_and_the_former_key_opens_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(tmp_path, OLD)
    assert [read(tmp_path, one, NEW, OLD) for one in CASES] == [{"of": one} for one in CASES]
    assert rewrap(monkeypatch, tmp_path, case_key=text(NEW), former_case_keys=text(OLD)) == 0
    assert "3 case keys wrapped anew" in capsys.readouterr().out
    assert [read(tmp_path, one, NEW) for one in CASES] == [{"of": one} for one in CASES]
    for one in CASES:
        with pytest.raises(PermanentError, match=r"key\.refused"):
            read(tmp_path, one, OLD)
    assert rewrap(monkeypatch, tmp_path, former_case_keys="") == 0
    assert "0 case keys wrapped anew, 3 were already" in capsys.readouterr().out


def test_from_the_master_key_to_a_key_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As every installation begins; the master key alone opens no case from then on."""
    filled(tmp_path, *Settings.from_environment({"DSR_MASTER_KEY": text(MASTER)}, need=()).case_keys)
    assert rewrap(monkeypatch, tmp_path, case_key=text(NEW), master_key=text(MASTER)) == 0
    assert read(tmp_path, CASES[0], NEW) == {"of": CASES[0]}
    with pytest.raises(PermanentError, match=r"key\.refused"):
        read(tmp_path, CASES[0], MASTER)


def test_a_key_that_nothing_here_opens_is_named_and_the_others_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(tmp_path, OLD)
    CaseStore(str(tmp_path), MASTER).create("case-0004")
    assert rewrap(monkeypatch, tmp_path, case_key=text(NEW), former_case_keys=text(OLD)) == 1
    said = capsys.readouterr()
    assert "3 case keys wrapped anew, 0 were already, 1 " in said.out
    assert said.err == "case-0004: key.refused\n"


def test_what_a_new_key_was_given_to_can_be_read_by_those_who_hold_it_among_the_former(tmp_path: Path) -> None:
    """Processes that are not restarted together."""
    filled(tmp_path, NEW, OLD)
    assert read(tmp_path, CASES[0], OLD, NEW) == {"of": CASES[0]}


def test_a_case_that_is_closed_meanwhile_stays_closed(tmp_path: Path) -> None:
    """Its key was destroyed after it was read to be wrapped anew, so it lands where there is no case any more."""
    filled(tmp_path, OLD)
    store, case_id = CaseStore(str(tmp_path), NEW, OLD), CASES[0]
    shutil.rmtree(tmp_path / "cases" / case_id)
    store.rewrap(case_id)
    with pytest.raises(PermanentError, match=r"case\.closed"):
        store.open(case_id)


def test_a_key_that_is_put_back_while_its_case_is_being_closed_goes_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wrapped anew between the key's end and the objects': an erased case would be left with a key."""
    filled(tmp_path, OLD)
    store, case_id, removed = CaseStore(str(tmp_path), NEW, OLD), CASES[0], ObjectStore.remove_folder
    kept = (tmp_path / "keys" / case_id).read_bytes()

    def meanwhile(objects: ObjectStore, folder: str) -> None:
        objects.replace(f"keys/{case_id}", kept)
        removed(objects, folder)

    monkeypatch.setattr(ObjectStore, "remove_folder", meanwhile)
    store.open(case_id).close()
    assert store.cases() == list(CASES[1:])


@pytest.mark.parametrize("name", ["case_key", "former_case_keys"])
def test_a_setting_that_is_no_key_is_named_and_not_shown(name: str) -> None:
    with pytest.raises(PermanentError) as error:
        Settings.from_environment({f"DSR_{name.upper()}": "c2VjcmV0"}, need=())
    assert error.value.code == f"setting.{name}"
    assert "c2VjcmV0" not in str(error.value)
