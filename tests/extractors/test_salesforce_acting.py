"""Salesforce as a system that is changed: erased from, restricted and corrected, through the wire."""

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from acting_conformance import ActingConformance, counts, lines, selections_of
from conformance import find_all
from running_sandbox import Sandbox
from salesforce_server import connect, settings, simple_salesforce
from served import served

from dsr.errors import PermanentError, TransientError
from dsr.model import Found, Identifier, Outcome, Subject
from dsr.selection import Selection
from extractors.salesforce import Salesforce
from sandbox.administration import Administration
from sandbox.comparison import Change, difference
from sandbox.ids import salesforce_contact_id, salesforce_id
from sandbox.people import populate
from sandbox.salesforce.system import Salesforce as System
from sandbox.system import Options
from sandbox.tls import certificate
from sandbox.wire import Wire, Wiretap, admin_app

EFFECTS = {
    **{d.name: "erase" for d in Salesforce.declaration.datasets if d.erasure == "delete"},
    "salesforce_case": "anonymise",
    "salesforce_account": "manual",
    "salesforce_opportunity": "keep",
    "salesforce_quote": "keep",
    "salesforce_order": "keep",
}
"""As a plan has them, but for what expires."""
LINKS = ("TaskRelation", "EventRelation", "EmailMessageRelation", "ContentDocumentLink", "ContentDocument")
STAMPS = {"SystemModstamp", "LastModifiedDate"}


@contextmanager
def org(folder: Path, people: int) -> Iterator[Sandbox]:
    """Salesforce alone, with the admin port's state and snapshots; jobs are done at once."""
    population, tap, options = populate(people), Wiretap(), Options(folder, people)
    system = System(options, population)
    authority, chain, key = certificate(folder / "tls")
    admin = [*system.admin_routes(), *Administration(options, population, [system]).routes()]
    with (
        served(Wire(system.app, system.name, tap, system.counted), chain, key) as url,
        served(admin_app(tap, admin)) as admin_url,
        httpx.Client(base_url=admin_url, timeout=60) as client,
    ):
        endpoints = {"admin": admin_url, "connections": system.connections(url, str(authority))}
        client.post("/salesforce/settings", json={"bulk_delay": 0}).raise_for_status()
        yield Sandbox(folder, endpoints, client, population, list(system.truth()))


@pytest.fixture(scope="module")
def shared_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """An org of our own, to be changed."""
    with org(tmp_path_factory.mktemp("salesforce"), 24) as running:
        yield running


class TestActing(ActingConformance):
    """What every source promises that changes its system."""

    source = Salesforce
    system = "salesforce"
    effects = EFFECTS
    volatile = (*STAMPS, "CreatedDate")
    made_by_vendor = ("ContactHistory", "LeadHistory", "ContactPointTypeConsent")

    def belongs(self, change: Change, content: Mapping[str, Any], selected: Collection[str]) -> bool:
        """Links of what is erased, files of its versions, and look-ups that are emptied as what they named goes."""
        if change.kind in LINKS:
            return bool(selected & set(map(str, content.values()))) or change.id.startswith("069")
        references = {name for name, value in content.items() if value in selected}
        return change.what == "changed" and set(change.fields) - STAMPS <= references


@pytest.fixture
def restored(sandbox: Sandbox) -> Iterator[None]:
    """The org back as it was after the test."""
    snapshot = sandbox.admin.post("/snapshots").json()["id"]
    yield
    sandbox.admin.post(f"/snapshots/{snapshot}/restore").raise_for_status()
    sandbox.admin.delete(f"/snapshots/{snapshot}").raise_for_status()


def select(sandbox: Sandbox, key: str, effects: Mapping[str, str], request_id: str = "dsr-acting01") -> Selection:
    """All of a person with these effects."""
    source = connect(sandbox)
    (selection,) = selections_of(source, find_all(source, sandbox, key, request_id), effects)
    return selection


def rows(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    """Id → what the org holds, recycle bin included."""
    return {e["id"]: e["content"] for e in map(json.loads, lines(sandbox, "salesforce"))}


def told(outcomes: list[Outcome], dataset: str) -> dict[tuple[str, str], int]:
    """(outcome, reason) → records of a dataset."""
    return {(o, r): n for (d, _, o, r), n in counts(outcomes).items() if d == f"salesforce_{dataset}"}


@pytest.mark.usefixtures("restored")
class TestErasing:
    """Art. 17."""

    def test_what_becomes_of_each_kind(self, sandbox: Sandbox) -> None:
        """The canary: all of it gone but what is somebody else's too, and what no call deletes."""
        effects = {**EFFECTS, "salesforce_contact_history": "erase", "salesforce_lead_history": "erase"}
        selection = select(sandbox, "canary", {**effects, "salesforce_account": "erase"})
        got = list(connect(sandbox).erase([selection]))
        left = {
            "account": {("manual", "account.of_organisation"): 1},
            # The sandbox shows the vendor's write-only field Comments, and doesn't let it be emptied.
            "case": {("done", ""): 2, ("manual", "shared.record"): 1, ("retained", "field.read_only"): 1},
            "contact_history": {("retained", "vendor.field_history"): 2},
            "lead_history": {("retained", "vendor.field_history"): 2},
            "email": {("done", ""): 3, ("retained", "shared.link_removed"): 1},
            "task": {("done", ""): 3, ("retained", "shared.link_removed"): 1},
            "other": {("done", ""): 1, ("manual", "object.not_the_persons"): 1},
        }
        for dataset in {o.dataset.removeprefix("salesforce_") for o in got}:
            name = f"salesforce_{dataset}"
            assert told(got, dataset) == left.get(dataset, {("done", ""): selection.count(name, "erase")}), dataset
        now = rows(sandbox)
        for dataset, its in left.items():
            if dataset not in ("case", "email", "task", "other"):
                name = f"salesforce_{dataset}"
                assert len([i for i in selection.ids(name, "erase") if i in now]) == sum(its.values()), dataset

    def test_an_anonymised_case_names_nobody(self, sandbox: Sandbox) -> None:
        """Links, what the person gave, and texts are gone; the case is there."""
        before = rows(sandbox)
        selection = select(sandbox, "canary", EFFECTS)
        list(connect(sandbox).erase([selection]))
        now, person = rows(sandbox), sandbox.population.canary
        shared = {
            i
            for i in selection.ids("salesforce_case", "anonymise")
            if before[i].get("Subject", "").startswith("Frågan")
        }
        for case_id in selection.ids("salesforce_case", "anonymise"):
            case = {k: v for k, v in now[case_id].items() if k != "Comments"}
            assert not any(value in json.dumps(case, ensure_ascii=False) for value in person.identifying()), case_id
            assert case["ContactId" if "ContactId" in case else "Id"] in (None, case_id)
            assert case["CaseNumber"] == before[case_id]["CaseNumber"]
        (both,) = shared
        assert now[both]["SuppliedEmail"] == sandbox.population.person("colleague").email
        assert now[both]["Subject"] == before[both]["Subject"]

    def test_a_case_that_is_kept_blocks_its_contact(self, sandbox: Sandbox) -> None:
        """By the vendor's own word, and nothing is claimed."""
        selection = select(sandbox, "same_name", {**EFFECTS, "salesforce_case": "keep"})
        got = list(connect(sandbox).erase([selection]))
        assert told(got, "contact") == {("blocked", "delete_failed"): 1}
        assert not rows(sandbox)[salesforce_contact_id("same_name")]["IsDeleted"]

    @pytest.mark.parametrize(
        ("kept", "parent"),
        [
            ("campaign_member", "contact"),
            ("consent", "individual"),
            ("contact_point_consent", "individual"),
            ("task", "contact"),
            ("opportunity_role", "contact"),
        ],
    )
    def test_what_is_kept_is_not_taken_along(self, sandbox: Sandbox, kept: str, parent: str) -> None:
        """The vendor would delete it with its parent, in silence. The plan lets it stay, so its parent is a person's to
        do, and no later try would change that."""
        selection = select(sandbox, "same_name", {**EFFECTS, f"salesforce_{kept}": "keep"})
        got = list(connect(sandbox).erase([selection]))
        assert told(got, parent) == {("manual", "child.kept"): 1}
        now = rows(sandbox)
        ids = selection.ids(f"salesforce_{kept}", "keep")
        assert ids
        assert all(not now[i]["IsDeleted"] for i in ids)

    def test_a_child_that_nobody_knew_of_is_not_taken_along(self, sandbox: Sandbox) -> None:
        """Made after the plan was approved."""
        selection = select(sandbox, "same_name", EFFECTS)
        contact = salesforce_contact_id("same_name")
        note = simple_salesforce(sandbox).Note.create({"ParentId": contact, "Title": "Ny"})["id"]
        got = list(connect(sandbox).erase([selection]))
        assert told(got, "contact") == {("blocked", "child.kept"): 1}
        assert not rows(sandbox)[note]["IsDeleted"]

    def test_a_person_account_stays_when_only_its_contact_was_approved(self, sandbox: Sandbox) -> None:
        """One record under two ids, and the plan says two things of it."""
        selection = select(sandbox, "plus_address", EFFECTS)
        got = list(connect(sandbox).erase([selection]))
        assert told(got, "contact") == {("manual", "person_account.not_approved"): 1}
        assert not rows(sandbox)[salesforce_contact_id("plus_address")]["IsDeleted"]

    def test_a_person_account_with_sales_is_a_persons_to_do(self, sandbox: Sandbox) -> None:
        """The plan leaves sales to a person, and the account would take them along."""
        business = dict.fromkeys(("salesforce_opportunity", "salesforce_quote", "salesforce_order"), "manual")
        selection = select(sandbox, "plus_address", {**EFFECTS, **business, "salesforce_account": "erase"})
        got = list(connect(sandbox).erase([selection]))
        assert told(got, "account") == told(got, "contact") == {("manual", "child.kept"): 1}
        (deal,) = selection.ids("salesforce_opportunity", "manual")
        assert not rows(sandbox)[deal]["IsDeleted"]

    def test_a_person_account_goes_when_its_account_was_approved(self, sandbox: Sandbox) -> None:
        """And all that would go along."""
        # The account takes its opportunity and quote along, so they have to be approved as well.
        business = dict.fromkeys(("salesforce_opportunity", "salesforce_quote", "salesforce_order"), "erase")
        selection = select(sandbox, "plus_address", {**EFFECTS, **business, "salesforce_account": "erase"})
        got = list(connect(sandbox).erase([selection]))
        assert told(got, "order") == {("blocked", "delete_failed"): 1}
        assert told(got, "account") == {("blocked", "delete_failed"): 1}
        assert told(got, "contact") == {("blocked", "delete_failed"): 1}
        (order,) = selection.ids("salesforce_order", "erase")
        simple_salesforce(sandbox).Order.update(order, {"Status": "Draft"})
        got = list(connect(sandbox).erase([selection]))
        assert told(got, "account") == told(got, "contact") == {("done", ""): 1}
        assert salesforce_contact_id("plus_address") not in rows(sandbox)

    def test_a_file_that_is_somebody_elses_too_stays(self, sandbox: Sandbox) -> None:
        """Only the link goes."""
        document = salesforce_id("069", "same_name:avtal")
        other = salesforce_contact_id("formula")
        link = {"ContentDocumentId": document, "LinkedEntityId": other, "ShareType": "V"}
        simple_salesforce(sandbox).ContentDocumentLink.create(link)
        selection = select(sandbox, "same_name", EFFECTS)
        got = list(connect(sandbox).erase([selection]))
        assert told(got, "file") == {("done", ""): 1, ("retained", "shared.link_removed"): 1}
        links = [r for r in rows(sandbox).values() if r.get("ContentDocumentId") == document and "LinkedEntityId" in r]
        assert [r["LinkedEntityId"] for r in links if not r["IsDeleted"]] == [other]
        assert told(list(connect(sandbox).erase([selection])), "file")["retained", "shared.link_removed"] == 1

    def test_two_who_share_a_record_and_both_want_it_gone(self, sandbox: Sandbox) -> None:
        """In one batch it is theirs alone."""
        both = [select(sandbox, key, EFFECTS, f"dsr-{key}") for key in ("canary", "colleague")]
        got = list(connect(sandbox).erase(both))
        assert told(got, "task") == {("done", ""): 6}
        assert ("retained", "shared.link_removed") not in told(got, "task")

    def test_without_the_permission_it_stays_in_the_recycle_bin(self, sandbox: Sandbox) -> None:
        """Retained, until when, and then it is gone by itself."""
        selection = select(sandbox, "same_name", EFFECTS)
        with settings(sandbox, bulk_hard_delete=False, clock=0):
            got = [o for o in connect(sandbox).erase([selection]) if o.effect == "erase"]
            reasons = {(o.outcome, o.reason) for o in got}
            assert reasons == {("retained", "purge.not_permitted"), ("manual", "object.not_the_persons")}
            until = {o.until for o in got if o.outcome == "retained"}
            assert until == {date.today() + timedelta(days=15)}
            sandbox.admin.post("/salesforce/settings", json={"clock": 16 * 86400})
            again = {o.outcome for o in connect(sandbox).erase([selection]) if o.effect == "erase"}
            assert again == {"absent", "manual"}

    def test_a_job_that_runs_is_waited_for_and_not_made_twice(self, sandbox: Sandbox) -> None:
        """Scheduled; the next call finds the jobs by themselves."""
        selection = select(sandbox, "same_name", EFFECTS)
        with settings(sandbox, bulk_delay=3600, clock=0):
            got = connect(sandbox, bulk_seconds=0).erase([selection])
            assert {(o.outcome, o.reason) for o in got if o.effect == "erase"} == {
                ("scheduled", "purge.running"), ("manual", "object.not_the_persons")
            }  # fmt: skip
            sandbox.forget()
            again = connect(sandbox, bulk_seconds=0).erase([selection])
            assert ("scheduled", "purge.running") in {(o.outcome, o.reason) for o in again}
            made = [c for c in sandbox.calls("salesforce") if c["method"] == "POST" and c["path"].endswith("ingest")]
            assert made == []
            sandbox.admin.post("/salesforce/settings", json={"clock": 3700})
            last = connect(sandbox).erase([selection])
            assert {o.outcome for o in last if o.effect == "erase"} == {"absent", "manual"}

    def test_a_job_that_fails_is_asked_for_again(self, sandbox: Sandbox) -> None:
        """Nothing is claimed meanwhile."""
        selection = select(sandbox, "same_name", EFFECTS)
        with settings(sandbox, bulk_failure="InternalServerError : try again"):
            got = connect(sandbox).erase([selection])
            assert ("scheduled", "purge.failed") in {(o.outcome, o.reason) for o in got}
        assert "done" in {o.outcome for o in connect(sandbox).erase([selection])}

    def test_what_the_vendor_still_shows_is_not_done(self, sandbox: Sandbox) -> None:
        """Deleted for good, but in sight of queryAll for a day."""
        selection = select(sandbox, "same_name", EFFECTS)
        with settings(sandbox, purge_delay=86400, clock=0):
            for _ in range(2):
                got = {(o.outcome, o.reason) for o in connect(sandbox).erase([selection]) if o.effect == "erase"}
                assert got == {("scheduled", "purge.pending"), ("manual", "object.not_the_persons")}
            sandbox.admin.post("/salesforce/settings", json={"clock": 90000})
            assert {o.outcome for o in connect(sandbox).erase([selection]) if o.effect == "erase"} == {
                "absent", "manual"
            }  # fmt: skip

    def test_a_bin_that_refuses_is_told_so(self, sandbox: Sandbox) -> None:
        """After two days it is no delay any more."""
        selection = select(sandbox, "same_name", EFFECTS)
        with settings(sandbox, hard_delete_binned=False, clock=0):
            got = list(connect(sandbox).erase([selection]))
            assert told(got, "contact") == {("scheduled", "purge.pending"): 1}
            sandbox.admin.post("/salesforce/settings", json={"clock": 3 * 86400})
            (contact,) = (o for o in connect(sandbox).erase([selection]) if o.dataset == "salesforce_contact")
            assert (contact.outcome, contact.reason) == ("retained", "purge.entity_is_deleted")
            assert contact.until == date.today() + timedelta(days=15)

    def test_a_locked_row_is_tried_again(self, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        """Twice; then the whole is for later."""
        monkeypatch.setattr("extractors.salesforce.writing._WAITS", (0.0, 0.0))
        fault = {"code": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access", "object": "Lead"}
        selection = select(sandbox, "same_name", EFFECTS)
        with settings(sandbox, record_faults=[fault]), pytest.raises(TransientError) as error:
            list(connect(sandbox).erase([selection]))
        assert error.value.code == "row_locked"
        with settings(sandbox, record_faults=[{**fault, "times": 2}]):
            assert told(list(connect(sandbox).erase([selection])), "lead") == {("done", ""): 1}

    def test_a_refusal_is_told_by_its_code(self, sandbox: Sandbox) -> None:
        """And nothing that hangs above is deleted."""
        fault = {"code": "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "message": "x", "object": "Task"}
        selection = select(sandbox, "same_name", EFFECTS)
        with settings(sandbox, record_faults=[{**fault, "verb": "delete"}]):
            got = list(connect(sandbox).erase([selection]))
        assert told(got, "task") == {("blocked", "insufficient_access_on_cross_reference_entity"): 1}
        assert told(got, "contact") == {("blocked", "child.kept"): 1}


@pytest.mark.usefixtures("restored")
class TestRectifying:
    """Art. 16."""

    def test_register_data_is_corrected_and_nothing_else(self, sandbox: Sandbox) -> None:
        """Two fields of one record, and the vendor's history and copies of them."""
        selection = select(sandbox, "same_name", {"salesforce_contact": "rectify"})
        before, contact = lines(sandbox, "salesforce"), salesforce_contact_id("same_name")
        new = {"salesforce_contact": {"LastName": "Ñyström-Berg", "MobilePhone": "+46701740999"}}
        got = list(connect(sandbox).rectify([selection], {"dsr-acting01": new}))
        assert counts(got) == {("salesforce_contact", "rectify", "done", ""): 1}
        changes = difference(before, lines(sandbox, "salesforce"))
        (own,) = (c for c in changes if c.id == contact)
        assert set(own.fields) - STAMPS == {"LastName", "MobilePhone", "Name"}
        assert {c.kind for c in changes} <= {"Contact", "ContactHistory", "Case", "CampaignMember"}
        sandbox.forget()
        again = list(connect(sandbox).rectify([selection], {"dsr-acting01": new}))
        assert counts(again) == counts(got)
        assert len(sandbox.calls("salesforce")) == 1

    def test_what_may_not_be_corrected_is_refused_before_anything_is_written(self, sandbox: Sandbox) -> None:
        """Whole batch."""
        selection = select(sandbox, "same_name", {"salesforce_contact": "rectify"})
        before = lines(sandbox, "salesforce")
        for new in ({"salesforce_contact": {"LastName": "y", "LeadSource": "x"}},
                    {"salesforce_contact": {"LastName": "y"}, "salesforce_order": {"BillingStreet": "x"}}):  # fmt: skip
            with pytest.raises(PermanentError) as error:
                list(connect(sandbox).rectify([selection], {"dsr-acting01": new}))
            assert error.value.code == "field.not_rectifiable"
        assert lines(sandbox, "salesforce") == before

    def test_what_the_vendor_refuses_is_blocked(self, sandbox: Sandbox) -> None:
        """With its code, and without the value."""
        selection = select(sandbox, "same_name", {"salesforce_contact": "rectify"})
        new = {"salesforce_contact": {"Email": "not an address"}}
        got = list(connect(sandbox).rectify([selection], {"dsr-acting01": new}))
        assert counts(got) == {("salesforce_contact", "rectify", "blocked", "invalid_email_address"): 1}

    def test_a_person_account_is_corrected_by_its_account(self, sandbox: Sandbox) -> None:
        """The vendor takes it nowhere else."""
        selection = select(sandbox, "plus_address", {"salesforce_contact": "rectify"})
        new = {"salesforce_contact": {"Email": "ny@privat.example", "MailingCity": "Visby"}}
        got = list(connect(sandbox).rectify([selection], {"dsr-acting01": new}))
        assert counts(got) == {("salesforce_contact", "rectify", "done", ""): 1}
        contact = rows(sandbox)[salesforce_contact_id("plus_address")]
        assert (contact["Email"], contact["MailingCity"]) == ("ny@privat.example", "Visby")
        assert rows(sandbox)[contact["AccountId"]]["PersonEmail"] == "ny@privat.example"


ALL = {d.name: "restrict" for d in Salesforce.declaration.datasets}
MARKETING = ("dpv:DirectMarketing", "dpv:Personalisation")
OPT_OUTS = ("HasOptedOutOfEmail", "DoNotCall", "HasOptedOutOfFax")


@pytest.mark.usefixtures("restored")
class TestRestricting:
    """Art. 18 and 21, and lifting."""

    def test_all_purposes(self, sandbox: Sandbox) -> None:
        """Every flag, a consent per channel, and every record accounted for."""
        selection = select(sandbox, "same_name", ALL)
        before = lines(sandbox, "salesforce")
        got = list(connect(sandbox).restrict([selection], ()))
        assert sum(o.count for o in got) == sum(selection.count(d, "restrict") for d in selection.datasets("restrict"))
        # A lead has no Individual, so nothing on it says more than its opt-outs do.
        assert told(got, "lead") == {("manual", "mark.no_field"): 1}
        assert {o.outcome for o in got if o.dataset != "salesforce_lead"} == {"done"}
        assert told(got, "individual") == {("done", ""): 1}
        assert told(got, "contact") == {("done", "mark.on_individual"): 1}
        assert told(got, "case") == {("done", "mark.on_person"): 1}
        now = rows(sandbox)
        assert all(now[salesforce_contact_id("same_name")][f] for f in OPT_OUTS)
        (individual,) = selection.ids("salesforce_individual", "restrict")
        assert now[individual]["HasOptedOutProcessing"]
        made = [r for r in now.values() if r.get("CaptureSource") == "dsr request dsr-acting01"]
        assert sorted(r["ContactPointType"] for r in made) == ["Email", "MailingAddress", "Phone"]
        assert {r["PartyId"] for r in made} == {individual}
        changes = difference(before, lines(sandbox, "salesforce"))
        own = set().union(*(selection.ids(d, "restrict") for d in selection.datasets("restrict")))
        assert {c.kind for c in changes if c.id not in own} <= {
            "ContactPointTypeConsent",
            "ContactHistory",
            "LeadHistory",
        }
        again = lines(sandbox, "salesforce")
        assert counts(connect(sandbox).restrict([selection], ())) == counts(got)
        assert lines(sandbox, "salesforce") == again

    def test_marketing_only(self, sandbox: Sandbox) -> None:
        """No word of processing as such: transactions stay possible."""
        selection = select(sandbox, "same_name", ALL)
        got = list(connect(sandbox).restrict([selection], MARKETING))
        assert told(got, "contact") == {("done", ""): 1}
        (individual,) = selection.ids("salesforce_individual", "restrict")
        now = rows(sandbox)[individual]
        assert all(now[f"HasOptedOut{what}"] for what in ("Solicit", "Profiling", "Tracking"))
        assert not now.get("HasOptedOutProcessing")

    def test_what_was_opted_out_before_is_told_as_such(self, sandbox: Sandbox) -> None:
        """Nothing on such a record changes, so nothing that is compared later can show what was done."""
        list(connect(sandbox).restrict([select(sandbox, "same_name", ALL, "dsr-one00001")], ()))
        again = select(sandbox, "same_name", ALL, "dsr-two00002")
        got = list(connect(sandbox).restrict([again], MARKETING))
        assert told(got, "contact") == told(got, "lead") == {("done", "mark.present"): 1}
        assert counts(connect(sandbox).restrict([again], MARKETING)) == counts(got)

    def test_lifting_gives_back_what_was_and_no_more(self, sandbox: Sandbox) -> None:
        """The flag that was up before stays up."""
        selection = select(sandbox, "same_name", ALL)
        before = rows(sandbox)
        contact = salesforce_contact_id("same_name")
        assert (before[contact]["DoNotCall"], before[contact].get("HasOptedOutOfEmail")) == (True, None)
        list(connect(sandbox).restrict([selection], ()))
        for _ in range(2):
            got = list(connect(sandbox).restrict([selection], (), lift=True))
            assert {o.outcome for o in got if o.dataset in ("salesforce_contact", "salesforce_individual")} == {"done"}
            now = rows(sandbox)
            for name in ("contact", "individual"):
                for i in selection.ids(f"salesforce_{name}", "restrict"):
                    changed = {k for k in now[i] if (now[i][k] or None) != (before[i].get(k) or None)}
                    assert changed <= STAMPS | {"LastModifiedById"}, name
            assert not [r for r in now.values() if str(r.get("CaptureSource")).startswith("dsr") and not r["IsDeleted"]]

    def test_lifting_one_leaves_anothers(self, sandbox: Sandbox) -> None:
        """An objection that came later stands."""
        one = select(sandbox, "same_name", ALL, "dsr-one00001")
        list(connect(sandbox).restrict([one], ()))
        two = select(sandbox, "same_name", ALL, "dsr-two00002")
        list(connect(sandbox).restrict([two], MARKETING))
        got = list(connect(sandbox).restrict([one], (), lift=True))
        assert told(got, "contact") == {("done", "restricted.by_another"): 1}
        now = rows(sandbox)
        assert now[salesforce_contact_id("same_name")]["HasOptedOutOfEmail"]
        sources = {r.get("CaptureSource") for r in now.values() if not r["IsDeleted"]}
        assert "dsr request dsr-two00002" in sources
        assert "dsr request dsr-one00001" not in sources

    def test_without_a_place_for_a_mark(self, sandbox: Sandbox) -> None:
        """Opt-outs are set, but nothing claims that a mark is, and lifting leaves them to a person."""
        selection = select(sandbox, "same_name", {"salesforce_lead": "restrict", "salesforce_case": "restrict"})
        got = list(connect(sandbox).restrict([selection], ()))
        assert {(o.outcome, o.reason) for o in got} == {("manual", "mark.no_field")}
        lifted = list(connect(sandbox).restrict([selection], (), lift=True))
        assert told(lifted, "lead") == {("manual", "mark.absent"): 1}

    def test_the_orgs_own_field(self, sandbox: Sandbox) -> None:
        """The mark is added to what stands there, and only it is taken away again."""
        selection = select(sandbox, "canary", {"salesforce_contact": "restrict"})
        contact = salesforce_contact_id("canary")
        got = list(connect(sandbox, restriction_field="Badge__c").restrict([selection], ()))
        assert told(got, "contact") == {("done", ""): 1, ("retained", "recycle_bin"): 1}
        assert rows(sandbox)[contact]["Badge__c"] == "=B-17 dsr-acting01"
        list(connect(sandbox, restriction_field="Badge__c").restrict([selection], (), lift=True))
        assert rows(sandbox)[contact]["Badge__c"] == "=B-17"


def batch(sandbox: Sandbox, people: int, effects: Mapping[str, str]) -> list[Selection]:
    """Requests of so many people, read at once."""
    source = connect(sandbox)
    some = sandbox.population.people[:people]
    subjects = [Subject(f"dsr-{p.key}", frozenset({Identifier("email", p.email.lower())})) for p in some]
    links = [replace(s, identifiers=s.identifiers | {Identifier("salesforce_contact", salesforce_contact_id(p.key))})
             for s, p in zip(subjects, some, strict=True)]  # fmt: skip
    source.find(links)
    found = source.find(links)
    return selections_of(source, Found(found.source, found.matches, found.cache), effects)


VERBS: Mapping[str, tuple[Mapping[str, str], Callable[[Salesforce, list[Selection]], Iterator[Outcome]]]] = {
    "restrict": (ALL, lambda source, some: source.restrict(some, ())),
    "rectify": (
        {"salesforce_contact": "rectify"},
        lambda source, some: source.rectify(
            some, {s.request_id: {"salesforce_contact": {"Title": "Direktör"}} for s in some}
        ),
    ),
    "erase": (EFFECTS, lambda source, some: source.erase(some)),
}


@pytest.mark.slow
@pytest.mark.thorough
def test_calls_hardly_grow_with_people(tmp_path: Path) -> None:
    """200 people cost at most 1.5 times the calls of the canary."""
    calls: dict[tuple[str, int], int] = {}
    with org(tmp_path, 220) as sandbox:
        snapshot = sandbox.admin.post("/snapshots").json()["id"]
        for people in (1, 20, 200):
            for name, (effects, verb) in VERBS.items():
                selections = batch(sandbox, people, effects)
                assert len(selections) == people
                sandbox.forget()
                got = list(verb(connect(sandbox), selections))
                calls[name, people] = len(sandbox.calls("salesforce"))
                assert {o.request_id for o in got} == {s.request_id for s in selections}
                sandbox.admin.post(f"/snapshots/{snapshot}/restore").raise_for_status()
    for name in VERBS:
        assert calls[name, 20] <= 1.5 * calls[name, 1], calls
        assert calls[name, 200] <= 1.5 * calls[name, 1], calls


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("many", [10_000, pytest.param(40_000, marks=pytest.mark.soak)])
@pytest.mark.thorough
def test_calls_for_many_records_of_one_person(tmp_path: Path, many: int) -> None:
    """Tasks: at most a hundredth of a call each, and little time of our own (the org runs in another thread)."""
    with org(tmp_path, 8) as sandbox:
        sf = simple_salesforce(sandbox)
        contact = salesforce_contact_id("same_name")
        task = {"WhoId": contact, "Subject": "Ring", "Status": "Completed", "Priority": "Normal"}
        sf.bulk2.Task.insert(records=[task] * many, wait=0.05)
        selection = select(sandbox, "same_name", EFFECTS)
        assert selection.count("salesforce_task", "erase") > many
        sandbox.forget()
        begun = time.thread_time()
        got = list(connect(sandbox).erase([selection]))
        spent = time.thread_time() - begun
        assert told(got, "task") == {("done", ""): selection.count("salesforce_task", "erase")}
        assert told(got, "contact") == {("done", ""): 1}
        calls = len(sandbox.calls("salesforce"))
        assert calls <= many / 100, calls
        assert spent < 15.8 * many / 40_000, spent
