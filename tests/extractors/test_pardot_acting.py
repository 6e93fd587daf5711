"""Account Engagement changed: through the wire, the whole business unit compared before and after."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from acting_conformance import EVERY, ActingConformance, dying_after, lines, moments
from acting_conformance import KilledError as Dead
from hypothesis import given
from hypothesis import strategies as st
from made_up_selections import selection_of
from pardot_server import PardotServer, serving
from running_sandbox import Sandbox

from dsr.errors import PermanentError, TransientError
from dsr.model import Found, Identifier, Outcome, Rows, Subject
from dsr.selection import Selection
from dsr.source import matches_by_request
from extractors.pardot import Pardot
from extractors.pardot.marks import Notes
from extractors.pardot.values import rows
from sandbox.comparison import Change, difference
from sandbox.entries import of_store, owners
from sandbox.ids import salesforce_contact_id
from sandbox.pardot import assets
from sandbox.state import Store
from sandbox.wire import Fault

DATASETS = [d.name for d in Pardot.declaration.datasets]
READ_ONLY = set(DATASETS) - {"pardot_prospect", "pardot_tag", "pardot_list_membership"}
COUNTERS = {("tags", "objectCount"), ("tags", "updatedAt")}
"""What the vendor counts by itself."""
Became = dict[tuple[str, str], int]


@dataclass
class Unit:
    """The business unit with a look inside."""

    server: PardotServer
    store: Store

    def lines(self) -> list[str]:
        """Every record, as the sandbox compares them."""
        return [entry.line() for entry in of_store(self.store, owners(self.server.truth))]

    def record(self, collection: str, key: str) -> dict[str, Any]:
        """As the vendor holds it."""
        return dict(self.store[collection][key])

    def pass_days(self, days: float = 31.0) -> None:
        """Move the vendor's clock."""
        self.server.system.settings.clock += days * 86400


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Unit, Path]]:
    """One business unit for this module, and a copy of its state."""
    folder = tmp_path_factory.mktemp("pardot")
    with serving(folder, people=240) as server:
        store = next(s for s in Store.opened(folder) if s.system == "pardot")
        store.save(folder / "saved")
        yield Unit(server, store), folder / "saved"


@pytest.fixture
def unit(running: tuple[Unit, Path]) -> Iterator[Unit]:
    """It, as it was in the beginning."""
    running[0].server.reset()
    restart(*running)
    yield running[0]
    running[0].server.reset()


_ERAS = count(1)


def restart(unit: Unit, saved: Path) -> None:
    """All records as they were, years later, so that no lag reaches back to what was written before."""
    unit.store.load_saved(saved)
    unit.server.system.settings.clock = next(_ERAS) * 400 * 86400


def connect(unit: Unit) -> Pardot:
    """A source that doesn't wait."""
    return Pardot.connect(unit.server.connection())


def found_of(source: Pardot, key: str, request_id: str = "dsr-conformance") -> Found:
    """A person's prospects by the CRM's link, the binned ones too."""
    return source.find([Subject(request_id, frozenset({Identifier("salesforce_contact", salesforce_contact_id(key))}))])


def chosen(unit: Unit, effect: str, key: str = "canary", datasets: Sequence[str] = DATASETS) -> Selection:
    """All that a person has in these datasets."""
    source = connect(unit)
    return selection_of(source, found_of(source, key), dict.fromkeys(datasets, effect))


def many(unit: Unit, effect: str, people: int) -> list[Selection]:
    """A selection for each of that many people, of their prospects alone."""
    crowd = unit.server.population.crowd[:people]
    links = [Identifier("salesforce_contact", salesforce_contact_id(p.key)) for p in crowd]
    subjects = [Subject(f"dsr-{n}", frozenset({link})) for n, link in enumerate(links)]
    found = connect(unit).find(subjects)
    chosen: list[Selection] = []
    for request_id, matches in matches_by_request(found).items():
        theirs = Found("pardot", tuple(matches))
        chosen.append(selection_of(_Prospects(), theirs, {"pardot_prospect": effect}, request_id))
    return chosen


class _Prospects:
    """A source that gives no more of prospects than their ids."""

    declaration = Pardot.declaration

    def extract(self, found: Found) -> Iterator[Rows]:
        """A piece for each."""
        for match in found.matches:
            yield from rows(match.dataset, [{"id": int(match.record_id)}], [match.request_id])


def became(outcomes: Sequence[Outcome], dataset: str) -> Became:
    """(outcome, reason) → count."""
    counts: Counter[tuple[str, str]] = Counter()
    for o in outcomes:
        if o.dataset == dataset:
            counts[o.outcome, o.reason] += o.count
    return dict(counts)


def changes(unit: Unit, before: list[str]) -> list[Change]:
    """Since then, without the vendor's own counters."""
    found = difference(before, unit.lines())
    return [c for c in found if not {(c.kind, name) for name in c.fields} <= COUNTERS]


def erase_all(unit: Unit, selection: Selection, calls: int = 3) -> list[list[Outcome]]:
    """Call after call, a month between."""
    told = []
    for _ in range(calls):
        told.append(list(connect(unit).erase([selection])))
        unit.pass_days()
    return told


class TestErasing:
    """What goes, what stays, and what is said of it."""

    def test_only_the_persons_records_go_and_the_answer_is_true(self, unit: Unit) -> None:
        """Binned, asked for, gone; neighbours untouched; what no API reaches is a person's task."""
        before, selection = unit.lines(), chosen(unit, "erase")
        first, second, third = erase_all(unit, selection)
        assert became(first, "pardot_prospect") == {("scheduled", "pardot.permanent_deletion"): 2}
        assert became(second, "pardot_prospect") == {("absent", ""): 2} == became(third, "pardot_prospect")
        assert became(first, "pardot_tag") == {("done", ""): 2}
        assert became(second, "pardot_tag") == {("absent", ""): 2}
        assert became(third, "pardot_list_membership") == {("retained", "pardot.recycle_bin"): 4}
        for dataset in READ_ONLY:
            (manual,) = [o for o in first if o.dataset == dataset]
            assert (manual.outcome, manual.reason) == ("manual", "api.none")
            assert manual.count == selection.count(dataset, "erase") > 0
        found = changes(unit, before)
        assert {c.person for c in found} == {"canary"}
        assert Counter((c.kind, c.what) for c in found) == {
            ("prospects", "removed"): 2, ("tagged-objects", "removed"): 2, ("list-memberships", "changed"): 3,
        }  # fmt: skip
        assert {c.fields for c in found if c.kind == "list-memberships"} == {("deleted", "isDeleted", "updatedAt")}

    def test_not_gone_until_the_vendor_has_done_it(self, unit: Unit) -> None:
        """Asked again meanwhile, it says "scheduled" and files no second job."""
        unit.server.system.settings.bulk_delay = 20 * 86400
        selection = chosen(unit, "erase")
        for _ in range(3):
            told = list(connect(unit).erase([selection]))
            assert became(told, "pardot_prospect") == {("scheduled", "pardot.permanent_deletion"): 2}
            unit.pass_days(1)
        assert len(unit.store["bulk-actions"]) == 1
        unit.pass_days(20)
        assert became(list(connect(unit).erase([selection])), "pardot_prospect") == {("absent", ""): 2}

    def test_refused_while_the_crm_has_the_person(self, unit: Unit) -> None:
        """A person's to do, never "done"; once the CRM has let go, it goes."""
        crm = Store(_folder(unit), "salesforce")
        contact = salesforce_contact_id("canary")
        crm["Contact"][contact] = {"Id": contact, "IsDeleted": True}
        try:
            selection = chosen(unit, "erase", datasets=["pardot_prospect"])
            first, second = erase_all(unit, selection, 2)
            assert became(first, "pardot_prospect") == {("scheduled", "pardot.permanent_deletion"): 2}
            assert became(second, "pardot_prospect") == {("manual", "crm.not_purged"): 2}
            del crm["Contact"][contact]
            told = erase_all(unit, selection, 3)
            assert became(told[-1], "pardot_prospect") == {("absent", ""): 2}
        finally:
            crm["Contact"].pop(contact, None)
            (_folder(unit) / "salesforce.sqlite3").unlink()

    def test_one_that_came_back_is_binned_anew(self, unit: Unit) -> None:
        """A form filled in takes it out of the bin before the vendor came to it."""
        unit.server.system.settings.bulk_delay = 3 * 86400
        selection = chosen(unit, "erase", datasets=["pardot_prospect"])
        list(connect(unit).erase([selection]))
        email = unit.server.population.canary.email
        unit.server.system._arrivals.submit(email, 4, {})
        told = erase_all(unit, selection, 3)
        assert became(told[-1], "pardot_prospect") == {("absent", ""): 2}

    @pytest.mark.parametrize("lag", [0.0, 60.0])
    def test_killed_after_every_call_and_called_again(self, unit: Unit, running: tuple[Unit, Path], lag: float) -> None:
        """Whichever call was the last: the same end, with reads behind writes too."""
        selection = chosen(unit, "erase", "same_name")
        before, ends = unit.lines(), set()
        for calls in range(1, 100):
            restart(*running)
            unit.server.system.settings.lag = lag
            source, finished = connect(unit), True
            kill_after(source, calls)
            try:
                list(source.erase([selection]))
            except KilledError:
                finished = False
            told = erase_all(unit, selection, 3)[-1]
            assert became(told, "pardot_prospect") == {("absent", ""): 1}
            assert became(told, "pardot_tag") == {("absent", ""): 2}
            ends.add(json.dumps([(c.kind, c.id, c.what) for c in changes(unit, before)]))
            if finished:
                break
        assert calls > 8
        assert len(ends) == 1

    def test_right_after_itself_with_reads_behind(self, unit: Unit) -> None:
        """Within the minute that reads lag: nothing is claimed, nothing goes twice."""
        unit.server.system.settings.lag = 60.0
        selection = chosen(unit, "erase", "same_name")
        list(connect(unit).erase([selection]))
        told = list(connect(unit).erase([selection]))
        assert became(told, "pardot_prospect") == {("scheduled", "pardot.permanent_deletion"): 1}
        assert {o for o, _ in became(told, "pardot_tag")} <= {"scheduled", "absent"}
        assert len(unit.store["bulk-actions"]) == 1

    def test_a_label_on_a_binned_prospect_is_a_persons_task(self, unit: Unit) -> None:
        """It can't be taken off there, and it bears the name."""
        selection = chosen(unit, "erase", "same_name", ["pardot_tag"])
        (key,) = [m.record_id for m in found_of(connect(unit), "same_name").matches]
        with unit.server.client() as api:
            api.delete(f"/objects/prospects/{key}").raise_for_status()
        told = list(connect(unit).erase([selection]))
        assert became(told, "pardot_tag") == {("manual", "pardot.recycle_bin"): 2}

    def test_many_cost_hardly_more_where_the_vendor_takes_lists(self, unit: Unit, running: tuple[Unit, Path]) -> None:
        """Prospects: read by lists, binned and deleted by jobs."""
        costs = []
        for people in (1, 200):
            restart(*running)
            selections = many(unit, "erase", people)
            unit.server.tap.calls.clear()
            for _ in range(4):
                told = list(connect(unit).erase(selections))
                unit.pass_days()
            costs.append(len(unit.server.calls()))
            assert became(told, "pardot_prospect") == {("absent", ""): people}
            assert {o.request_id for o in told} == {f"dsr-{n}" for n in range(people)}
        assert costs[1] <= 1.5 * costs[0], costs

    def test_errors_carry_no_person(self, unit: Unit) -> None:
        """The vendor's words stay out."""
        selection = chosen(unit, "erase")
        email = unit.server.population.canary.email
        unit.server.tap.faults.append(
            Fault("pardot", method="DELETE", status=400, body=json.dumps({"code": 71, "message": email}))
        )
        with pytest.raises(PermanentError) as error:
            list(connect(unit).erase([selection]))
        assert str(error.value) == "pardot: pardot.71"
        unit.server.tap.faults[:] = [Fault("pardot", method="DELETE", status=500, body="{}")]
        with pytest.raises(TransientError):
            list(connect(unit).erase([selection]))


def _folder(unit: Unit) -> Path:
    return Path(unit.server.system._options.folder)


class KilledError(BaseException):
    """As if the process had ended."""


def kill_after(source: Pardot, calls: int) -> None:
    """End the source's process after that many answered calls."""
    http, left = source.client._http, [calls]
    request = http.request

    def counted(*args: Any, **kw: Any) -> Any:
        if not left[0]:
            raise KilledError
        left[0] -= 1
        return request(*args, **kw)

    http.request = counted  # type: ignore[method-assign]


MARKETING = ("dpv:DirectMarketing", "dpv:Personalisation")


class TestRestricting:
    """Marked, opted out, and back again."""

    @pytest.mark.parametrize("purposes", [(), MARKETING])
    def test_opts_out_everywhere_and_lifts_what_it_set(self, unit: Unit, purposes: tuple[str, ...]) -> None:
        """Flags and live memberships; lifting brings back every record exactly, but for its stamp."""
        before, selection = unit.lines(), chosen(unit, "restrict", "same_name")
        told = list(connect(unit).restrict([selection], purposes))
        assert became(told, "pardot_prospect") == {("done", ""): 1}
        assert became(told, "pardot_list_membership") == {("done", ""): 2, ("absent", "pardot.recycle_bin"): 1}
        assert became(told, "pardot_visit") == {
            ("done", "mark.on_prospect"): selection.count("pardot_visit", "restrict")
        }
        assert became(told, "pardot_lifecycle_history") == {("manual", "profiling.no_field"): 3}
        found = changes(unit, before)
        assert {c.person for c in found} == {"same_name"}
        (key,) = selection.ids("pardot_prospect", "restrict")
        record = unit.record("prospects", key)
        assert record["isDoNotEmail"] is record["isDoNotCall"] is True
        assert "[dsr-restricted dsr-conformance: " in record["notes"]
        lists = [r for r in unit.store["list-memberships"].values() if str(r["prospectId"]) == key]
        assert all(r["optedOut"] or r["isDeleted"] for r in lists)
        lifted = list(connect(unit).restrict([selection], purposes, lift=True))
        assert became(lifted, "pardot_prospect") == {("done", ""): 1}
        assert became(lifted, "pardot_list_membership") == {("done", ""): 1, ("absent", ""): 2}
        assert {n for c in changes(unit, before) for n in c.fields} <= {"updatedAt", "notes"}
        assert unit.record("prospects", key)["notes"] is None

    @pytest.mark.parametrize("purposes", [("dpv:CustomerCare",), ("dpv:Personalisation",)])
    def test_a_purpose_that_is_no_marketing_leaves_mailing(self, unit: Unit, purposes: tuple[str, ...]) -> None:
        """Marked for what is named, and for no more; a profile is asked about only where that is named."""
        before, selection = unit.lines(), chosen(unit, "restrict", "same_name")
        told = list(connect(unit).restrict([selection], purposes))
        assert became(told, "pardot_prospect") == {("done", ""): 1}
        assert set(became(told, "pardot_list_membership")) == {("done", "mark.on_prospect")}
        profiling = purposes == ("dpv:Personalisation",)
        asked = {("manual", "profiling.no_field") if profiling else ("done", "mark.on_prospect"): 3}
        assert became(told, "pardot_lifecycle_history") == asked
        (key,) = selection.ids("pardot_prospect", "restrict")
        record = unit.record("prospects", key)
        assert not record["isDoNotEmail"]
        assert not record["isDoNotCall"]
        assert purposes[0] in record["notes"]
        assert {(c.kind, n) for c in changes(unit, before) for n in c.fields} <= {
            ("prospects", "notes"), ("prospects", "updatedAt"),
        }  # fmt: skip

    def test_twice_and_lifted_twice(self, unit: Unit) -> None:
        """The second time changes nothing but stamps."""
        selection = chosen(unit, "restrict", "same_name")
        list(connect(unit).restrict([selection], ()))
        once = unit.lines()
        list(connect(unit).restrict([selection], ()))
        assert {n for c in changes(unit, once) for n in c.fields} <= {"updatedAt"}
        list(connect(unit).restrict([selection], (), lift=True))
        once = unit.lines()
        told = list(connect(unit).restrict([selection], (), lift=True))
        assert became(told, "pardot_prospect") == {("absent", ""): 1}
        assert changes(unit, once) == []

    def test_what_the_person_had_set_stays(self, unit: Unit) -> None:
        """Opted out before, and notes of a salesperson: both are there after lifting."""
        (key,) = [m.record_id for m in found_of(connect(unit), "same_name").matches]
        with unit.server.client() as api:
            notes = "Ring inte före nio\r\n[viktigt]\n"
            api.patch(f"/objects/prospects/{key}", json={"isDoNotCall": True, "notes": notes}).raise_for_status()
        selection, before = chosen(unit, "restrict", "same_name"), unit.record("prospects", key)
        list(connect(unit).restrict([selection], MARKETING))
        list(connect(unit).restrict([selection], MARKETING, lift=True))
        after = unit.record("prospects", key)
        assert {k: v for k, v in after.items() if k != "updatedAt"} == {
            k: v for k, v in before.items() if k != "updatedAt"
        }

    def test_another_requests_restriction_outlives_the_first(self, unit: Unit) -> None:
        """Nothing is opened while anybody restricts; the last one opens all that was closed."""
        source = connect(unit)
        wanted = dict.fromkeys(DATASETS, "restrict")
        one, other = (selection_of(source, found_of(source, "same_name", i), wanted, i) for i in ("dsr-1", "dsr-2"))
        (key,) = one.ids("pardot_prospect", "restrict")
        before = unit.lines()
        list(source.restrict([one, other], ()))
        list(source.restrict([one], (), lift=True))
        record = unit.record("prospects", key)
        assert record["isDoNotEmail"] is True
        assert "dsr-1" not in record["notes"]
        list(source.restrict([other], (), lift=True))
        assert {n for c in changes(unit, before) for n in c.fields} <= {"updatedAt", "notes"}

    def test_profiling_alone_leaves_mails_on(self, unit: Unit) -> None:
        """And with the custom field it is stopped without a person."""
        assets_field = {**unit.record("custom-fields", str(assets.CUSTOM_FIELDS[0][0])), "id": 799}
        unit.store["custom-fields"]["799"] = {**assets_field, "fieldId": "dsr_no_profiling", "type": "Text"}
        selection = chosen(unit, "restrict", "same_name")
        (key,) = selection.ids("pardot_prospect", "restrict")
        told = list(connect(unit).restrict([selection], ("dpv:Personalisation",)))
        assert unit.record("prospects", key)["isDoNotEmail"] is False
        assert unit.record("prospects", key)["dsr_no_profiling__c"] == "true"
        assert became(told, "pardot_tag") == {("done", "mark.on_prospect"): 2}
        list(connect(unit).restrict([selection], ("dpv:Personalisation",), lift=True))
        assert unit.record("prospects", key)["dsr_no_profiling__c"] is None

    def test_in_the_recycle_bin_nothing_can_be_marked(self, unit: Unit) -> None:
        """Said, not passed over: the canary's former prospect lies there."""
        selection = chosen(unit, "restrict")
        told = list(connect(unit).restrict([selection], ()))
        assert became(told, "pardot_prospect") == {("done", ""): 1, ("manual", "pardot.recycle_bin"): 1}
        assert became(told, "pardot_visit").keys() == {("manual", "mark.none")}

    @pytest.mark.parametrize("lift", [False, True])
    def test_killed_after_every_call(self, unit: Unit, running: tuple[Unit, Path], lift: bool) -> None:
        """Called again, it ends as if it had never been interrupted."""
        selection, ends = chosen(unit, "restrict", "same_name"), set()
        for calls in range(1, 30):
            restart(*running)
            before = unit.lines()
            if lift:
                list(connect(unit).restrict([selection], ()))
            source, finished = connect(unit), True
            kill_after(source, calls)
            try:
                list(source.restrict([selection], (), lift=lift))
            except KilledError:
                finished = False
            list(connect(unit).restrict([selection], (), lift=lift))
            ends.add(json.dumps([(c.kind, c.id, c.fields) for c in changes(unit, before)]))
            if finished:
                break
        assert calls > 4
        assert len(ends) == 1


class TestRectifying:
    """Corrections."""

    def test_writes_what_is_asked_and_nothing_else(self, unit: Unit) -> None:
        """Read back equals the request."""
        before, selection = unit.lines(), chosen(unit, "rectify", "same_name", ["pardot_prospect"])
        wanted = {"lastName": "Åkesson-Ö", "city": "Luleå", "language__c": "de"}
        corrections = {"dsr-conformance": {"pardot_prospect": wanted}}
        told = list(connect(unit).rectify([selection], corrections))
        assert became(told, "pardot_prospect") == {("done", ""): 1}
        (change,) = changes(unit, before)
        assert (change.person, set(change.fields) - {"updatedAt"}) == ("same_name", set(wanted))
        record = unit.record("prospects", change.id)
        assert {name: record[name] for name in wanted} == wanted

    @pytest.mark.parametrize(
        ("dataset", "values"), [("pardot_prospect", {"score": 0}), ("pardot_visitor", {"ipAddress": "::1"})]
    )
    def test_refuses_other_fields_before_it_writes(self, unit: Unit, dataset: str, values: dict[str, Any]) -> None:
        """Also when another correction would be fine."""
        before, selection = unit.lines(), chosen(unit, "rectify", "same_name", ["pardot_prospect"])
        corrections = {"dsr-conformance": {"pardot_prospect": {"city": "Luleå"}, dataset: values}}
        with pytest.raises(PermanentError, match=r"field\.not_rectifiable"):
            list(connect(unit).rectify([selection], corrections))
        assert changes(unit, before) == []


class TestMarks:
    """The line in the notes."""

    @given(text=st.text(max_size=80), purposes=st.lists(st.sampled_from(MARKETING)), ids=st.lists(st.integers(1)))
    def test_comes_and_goes_without_a_trace(self, text: str, purposes: list[str], ids: list[int]) -> None:
        """Whatever stood in the notes stands there afterwards."""
        notes = Notes.read(text)
        marked = Notes.read(notes.marked("dsr-0f", purposes, map(str, ids)).value)
        mark = marked.of("dsr-0f")
        assert mark is not None
        assert mark.purposes == tuple(purposes)
        left, undone = marked.lifted("dsr-0f")
        assert undone == tuple(dict.fromkeys(map(str, ids)))
        assert (left.value or "") == text

    def test_every_dataset_that_needs_a_person_says_what_to_do(self) -> None:
        """In both languages."""
        for dataset in Pardot.declaration.datasets:
            assert dataset.instructions.keys() == {"sv", "en"}, dataset.name
        assert Pardot.declaration.erase_after == ("salesforce",)


class TestConformance(ActingConformance):
    """What every source promises that changes its system; the vendor's jobs take no time here."""

    source = Pardot
    system = "pardot"
    effects = dict.fromkeys(DATASETS, "erase")
    volatile = ("updatedAt",)

    @pytest.fixture(autouse=True)
    def at_once(self, sandbox: Sandbox) -> Iterator[None]:
        """Jobs are done by the next call."""
        sandbox.admin.put("/pardot/settings", json={"bulk_delay": 0}).raise_for_status()
        yield
        sandbox.admin.put("/pardot/settings", json={}).raise_for_status()

    def erase(self, sandbox: Sandbox, selections: Sequence[Selection]) -> list[Outcome]:
        """As the core puts calls together: what is absent at a later call of the same work was done by an earlier."""
        first = list(self.connect(sandbox).erase(selections))
        if all(o.outcome != "scheduled" for o in first):
            return first
        later = super().erase(sandbox, selections)
        gone = {o.dataset for o in first if o.outcome in ("done", "scheduled")}
        return [replace(o, outcome="done") if o.outcome == "absent" and o.dataset in gone else o for o in later]

    def belongs(self, change: Change, content: Mapping[str, Any], selected: Collection[str]) -> bool:
        """The vendor counts by itself how many bear a label."""
        return {(change.kind, name) for name in change.fields} <= COUNTERS

    @pytest.mark.slow
    @EVERY
    def test_killed_after_any_call(self, sandbox: Sandbox, restored: Callable[[], None], every: bool) -> None:
        """Of the first attempt, whichever call was the last: the later ones end the same."""
        selections = self.chosen(sandbox)
        self.erase(sandbox, selections)
        wanted, killed = self.shape(lines(sandbox, self.system)), True
        for calls in moments(every=every):
            restored()
            try:
                with dying_after(calls):
                    list(self.connect(sandbox).erase(selections))
                killed = False
            except Dead:
                killed = True
            self.erase(sandbox, selections)
            assert self.shape(lines(sandbox, self.system)) == wanted, calls
            if not killed:
                break
        assert not killed
