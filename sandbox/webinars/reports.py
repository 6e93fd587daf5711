"""What is known of webinars that are over: instances, participants, absentees, questions, polls, survey."""

from datetime import date
from typing import Any

from sandbox.webinars.account import Account, Answer, Call, Endpoint, Handler, ZoomError

REPORT_DAYS, YEAR_DAYS = 183, 365


class Reports:
    """`/past_webinars` reaches a year back, `/report` six months. Neither can be deleted from."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def endpoints(self) -> list[Endpoint]:
        """Method, path, rate-limit category, handler."""
        return [
            Endpoint("GET", "past_webinars/{id}/qa", "heavy", self._part("qa", YEAR_DAYS)),
            Endpoint("GET", "past_webinars/{id}/polls", "heavy", self._part("polls", YEAR_DAYS)),
            Endpoint("GET", "report/webinars/{id}/qa", "heavy", self._part("qa", REPORT_DAYS)),
            Endpoint("GET", "report/webinars/{id}/polls", "heavy", self._part("polls", REPORT_DAYS)),
            Endpoint("GET", "report/webinars/{id}/survey", "heavy", self._part("survey", REPORT_DAYS)),
            Endpoint("GET", "past_webinars/{id}/instances", "light", self._instances),
            Endpoint("GET", "past_webinars/{id}/participants", "medium", self._past_participants),
            Endpoint("GET", "past_webinars/{id}/absentees", "medium", self._absentees),
            Endpoint("GET", "report/webinars/{id}", "heavy", self._report),
            Endpoint("GET", "report/webinars/{id}/participants", "heavy", self._report_participants),
            Endpoint("GET", "report/history_meetings", "heavy", self._history),
        ]

    def _instances(self, call: Call) -> Answer:
        name = call.args["id"]
        if name not in self._account["webinar"]:
            raise ZoomError(404, 3001, f"Webinar does not exist: {name}.")
        chosen = [i for i in self._account["instance"].values() if str(i["webinar_id"]) == name]
        return 200, {"webinars": [{"uuid": i["uuid"], "start_time": i["start_time"]} for i in chosen]}

    def _reachable(self, call: Call, days: int) -> dict[str, Any]:
        """The instance that the call names. 400 when it is older than the endpoint reaches."""
        instance = self._account.instance(call.args["id"])
        age = self._account.days_ago(instance["start_time"])
        if age > YEAR_DAYS:
            raise ZoomError(400, 12702, "Can not access a webinar a year ago.")
        if age > days:
            raise ZoomError(400, 300, "Only provide report in recent 6 months.")
        return instance

    def _participants(self, call: Call, days: int, omit: tuple[str, ...]) -> Answer:
        rows = self._account["report"][self._reachable(call, days)["uuid"]]["participants"]
        shown = [{k: v for k, v in row.items() if k not in omit} for row in rows]
        return 200, self._account.page(call, "participants", shown)

    def _past_participants(self, call: Call) -> Answer:
        return self._participants(call, YEAR_DAYS, ())

    def _report_participants(self, call: Call) -> Answer:
        omit = () if call.query.get("include_fields") == "registrant_id" else ("registrant_id",)
        return self._participants(call, REPORT_DAYS, omit)

    def _part(self, part: str, days: int) -> Handler:
        def answer(call: Call) -> Answer:
            instance = self._reachable(call, days)
            head = {"id": instance["webinar_id"], "uuid": instance["uuid"], "start_time": instance["start_time"]}
            if part == "survey":
                head = {"webinar_id": head["id"], "webinar_uuid": head["uuid"], "start_time": head["start_time"]}
            return 200, {**head, **self._account["report"][instance["uuid"]][part]}

        return answer

    def _absentees(self, call: Call) -> Answer:
        instance = self._reachable(call, YEAR_DAYS)
        webinar_id = str(self._account.webinar(str(instance["webinar_id"]))["id"])
        present = {p["registrant_id"] for p in self._account["report"][instance["uuid"]]["participants"]}
        chosen = [
            r["registrant"]
            for r in self._account["registrant"].values()
            if r["webinar_id"] == webinar_id
            and r["registrant"]["status"] == "approved"
            and r["registrant"]["id"] not in present
        ]
        return 200, self._account.page(call, "registrants", chosen)

    def _report(self, call: Call) -> Answer:
        instance = self._reachable(call, REPORT_DAYS)
        host = next(iter(self._account["user"].values()))
        rows = self._account["report"][instance["uuid"]]["participants"]
        names = {"user_name": f"{host['first_name']} {host['last_name']}", "user_email": host["email"]}
        keys = ("uuid", "topic", "start_time", "end_time", "duration")
        body = {k: instance[k] for k in keys} | names | {"id": instance["webinar_id"], "type": 5}
        return 200, {**body, "participants_count": len(rows)}

    def _history(self, call: Call) -> Answer:
        start, end = _day(call, "from"), _day(call, "to")
        if (end - start).days > 31 or end < start:
            raise ZoomError(400, 300, "The month range is limited to one month.")
        if (self._account.today - start).days > REPORT_DAYS:
            raise ZoomError(400, 300, "Only provide report in recent 6 months.")
        if call.query.get("meeting_type", "all") not in ("webinar", "all"):
            return 200, self._account.page(call, "history_meetings", [])
        chosen = [
            _history_row(i)
            for i in self._account["instance"].values()
            if start.isoformat() <= i["start_time"][:10] <= end.isoformat()
        ]
        return 200, self._account.page(call, "history_meetings", chosen)


def _day(call: Call, name: str) -> date:
    try:
        return date.fromisoformat(call.query.get(name) or "")
    except ValueError:
        raise ZoomError(400, 300, f"Validation Failed: {name} is a date, yyyy-mm-dd.") from None


def _history_row(instance: dict[str, Any]) -> dict[str, Any]:
    return {
        "meeting_uuid": instance["uuid"],
        "meeting_id": instance["webinar_id"],
        "topic": instance["topic"],
        "type": "Webinar",
        "start_time": instance["start_time"],
        "end_time": instance["end_time"],
        "duration": instance["duration"],
    }
