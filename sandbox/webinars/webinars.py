"""Users, webinars, registrants and panelists."""

from typing import Any

from sandbox.webinars.account import Account, Answer, Call, Endpoint, ZoomError

LISTED_DAYS = 30
"""How long after its date a webinar stays in its host's list."""
_ACTIONS = {"approve": "approved", "deny": "denied", "cancel": "cancelled"}


class Webinars:
    """Handlers for what is planned and who signed up."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def endpoints(self) -> list[Endpoint]:
        """Method, path, rate-limit category, handler."""
        return [
            Endpoint("GET", "users", "medium", self._users),
            Endpoint("GET", "users/{user}/webinars", "medium", self._webinars),
            Endpoint("GET", "webinars/{id}", "light", self._webinar),
            Endpoint("DELETE", "webinars/{id}", "light", self._delete_webinar),
            Endpoint("GET", "webinars/{id}/registrants", "medium", self._registrants),
            Endpoint("PUT", "webinars/{id}/registrants/status", "medium", self._change_status),
            Endpoint("GET", "webinars/{id}/registrants/{rid}", "light", self._registrant),
            Endpoint("DELETE", "webinars/{id}/registrants/{rid}", "light", self._delete_registrant),
            Endpoint("GET", "webinars/{id}/panelists", "medium", self._panelists),
            Endpoint("DELETE", "webinars/{id}/panelists/{pid}", "light", self._delete_panelist),
        ]

    def _users(self, call: Call) -> Answer:
        return 200, self._account.page(call, "users", list(self._account["user"].values()))

    def _webinars(self, call: Call) -> Answer:
        user = call.args["user"]
        users = self._account["user"]
        host = next(iter(users)) if user == "me" else user
        if host not in users:
            raise ZoomError(404, 1001, f"User does not exist: {user}.")
        oldest = 0 if call.query.get("type") == "upcoming" else LISTED_DAYS
        listed = [
            _public(w)
            for w in self._account["webinar"].values()
            if w["host_id"] == host and not w["gone"] and self._account.days_ago(w["start_time"]) <= oldest
        ]
        return 200, self._account.page(call, "webinars", listed)

    def _webinar(self, call: Call) -> Answer:
        return 200, _public(self._account.webinar(call.args["id"]))

    def _delete_webinar(self, call: Call) -> Answer:
        webinar = self._account.webinar(call.args["id"])
        self._account["webinar"][call.args["id"]] = {**webinar, "gone": True}
        return 204, None

    def _registrants(self, call: Call) -> Answer:
        webinar_id = str(self._account.webinar(call.args["id"])["id"])
        status = call.query.get("status") or "approved"
        if status not in ("approved", "pending", "denied"):
            raise ZoomError(400, 300, "Validation Failed: status is one of approved, pending, denied.")
        chosen = [
            r["registrant"]
            for r in self._account["registrant"].values()
            if r["webinar_id"] == webinar_id and r["registrant"]["status"] == status
        ]
        return 200, self._account.page(call, "registrants", chosen)

    def _key(self, call: Call) -> str:
        self._account.webinar(call.args["id"])
        key = f"{call.args['id']}:{call.args['rid']}"
        if key not in self._account["registrant"]:
            raise ZoomError(400, 3079, f"Registrant does not exist: {call.args['rid']}.")
        return key

    def _registrant(self, call: Call) -> Answer:
        return 200, self._account["registrant"][self._key(call)]["registrant"]

    def _delete_registrant(self, call: Call) -> Answer:
        del self._account["registrant"][self._key(call)]
        return 204, None

    def _change_status(self, call: Call) -> Answer:
        self._account.webinar(call.args["id"])
        body = call.body if isinstance(call.body, dict) else {}
        if body.get("action") not in _ACTIONS:
            raise ZoomError(400, 300, "Validation Failed: action is one of approve, deny, cancel.")
        for given in body.get("registrants", []):
            key = f"{call.args['id']}:{given.get('id')}"
            document = self._account["registrant"].get(key)
            if document is None:
                raise ZoomError(400, 3079, f"Registrant does not exist: {given.get('id')}.")
            registrant = {**document["registrant"], "status": _ACTIONS[body["action"]]}
            self._account["registrant"][key] = {**document, "registrant": registrant}
        return 204, None

    def _panelists(self, call: Call) -> Answer:
        webinar_id = str(self._account.webinar(call.args["id"])["id"])
        chosen = [p["panelist"] for p in self._account["panelist"].values() if p["webinar_id"] == webinar_id]
        return 200, {"total_records": len(chosen), "panelists": chosen}

    def _delete_panelist(self, call: Call) -> Answer:
        self._account.webinar(call.args["id"])
        key = f"{call.args['id']}:{call.args['pid']}"
        if key not in self._account["panelist"]:
            raise ZoomError(404, 3001, f"Panelist does not exist: {call.args['pid']}.")
        del self._account["panelist"][key]
        return 204, None


def _public(webinar: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in webinar.items() if k != "gone"}
