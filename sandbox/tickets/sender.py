"""What a ticket system sends when somebody asks for their data: the body of each system and its signature.

body = ticket_body("zendesk", "1001", email="…", at=now)
headers, raw = signed("zendesk", body, secret, now, "delivery-1")
httpx.post(f"{airflow}/dsr/requests/zendesk", headers=headers, content=raw)
"""

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

CHANNELS = ("standard_webhooks", "zendesk", "jira", "freshdesk")
SIGNING = ("standard_webhooks", "zendesk", "jira")
"""Those whose calls are signed; the others send a secret."""
OPENDSR_DOMAIN = "privacy.controller.example"
"""By which a sender over OpenDSR, which comes in by another way than these, names the controller."""


def ticket_body(
    channel: str,
    ticket_id: str,
    *,
    email: str = "",
    name: str = "",
    phone: str = "",
    customer_number: str = "",
    language: str = "sv",
    right: str = "access",
    encryption: str = "",
    age_recipient: str = "",
    transmit_to: str = "",
    ground: str = "",
    purposes: Sequence[str] = (),
    corrections: Mapping[str, Any] | None = None,
    about: str = "",
    customer: str = "",
    id_token: str = "",
    at: datetime,
) -> dict[str, Any]:
    """The JSON that the channel's system would send about a new ticket; "" = the person didn't say.
    `corrections`: attribute or `<dataset>.<field>` → value; only our own form takes others than text."""
    package = {"encryption": encryption, "age_recipient": age_recipient}
    if channel == "standard_webhooks":
        subject = {"email": email, "name": name, "phone": phone, "customer_number": customer_number}
        body: dict[str, Any] = {
            **({"right": right} if right else {}),
            "language": language,
            "ticket": {"id": ticket_id},
            "received_at": at.isoformat(),
            "subject": {k: v for k, v in subject.items() if v},
        }
        options = {"package": {k: v for k, v in package.items() if v}, "transmit_to": transmit_to, "ground": ground}
        options |= {"purposes": list(purposes), "corrections": dict(corrections or {})}
        options |= {"about": about, "customer": customer, "id_token": id_token}
        return body | {k: v for k, v in options.items() if v}
    lines = "\r\n".join(f"{key}: {value}" for key, value in (corrections or {}).items())
    if channel in ("zendesk", "freshdesk"):
        created = {"created_at": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")} if channel == "zendesk" else {}
        return {
            "ticket": {"id": ticket_id, **created},
            "right": right,
            "requester": {"email": email, "name": name, "phone": phone, "language": language},
            "customer_number": customer_number,
            "package": package,
            "transmit_to": transmit_to,
            "ground": ground,
            "purposes": " ".join(purpose.lower() for purpose in purposes),
            "corrections": lines,
            "about": about,
            "customer": customer,
            "id_token": id_token,
        }
    if channel == "jira":
        texts = {"customfield_10102": phone, "customfield_10103": customer_number}
        texts |= {"customfield_10106": age_recipient, "customfield_10107": transmit_to}
        texts |= {"customfield_10110": lines, "customfield_10112": customer, "customfield_10113": id_token}
        choices = {"customfield_10101": right, "customfield_10104": language, "customfield_10105": encryption}
        choices |= {"customfield_10108": ground, "customfield_10111": about}
        jira = _jira_body(ticket_id, email, name, texts, choices, at)
        jira["issue"]["fields"]["customfield_10109"] = [{"value": purpose} for purpose in purposes] or None
        return jira
    if channel == "opendsr":
        who = {"email": email, "phone_number": phone, "controller_customer_id": customer_number}
        more = {"language": language, "ground": ground, "purposes": list(purposes), "corrections": corrections}
        return {
            "regulation": "gdpr",
            "subject_request_id": str(uuid.UUID(bytes=hashlib.sha256(ticket_id.encode()).digest()[:16], version=4)),
            "subject_request_type": right,
            "submitted_time": at.isoformat(),
            "subject_identities": [
                {"identity_type": kind, "identity_value": value, "identity_format": "raw"}
                for kind, value in who.items()
                if value
            ],
            "api_version": "2.0",
            "extensions": {OPENDSR_DOMAIN: {name: value for name, value in more.items() if value}},
        }
    raise ValueError(channel)


def _jira_body(
    key: str, email: str, name: str, texts: Mapping[str, str], choices: Mapping[str, str], at: datetime
) -> dict[str, Any]:
    """`texts` and `choices`: the site's custom fields; a select field's value is an object, an empty field null."""
    fields: dict[str, Any] = {
        "summary": "Data subject access request",
        "description": None,
        "issuetype": {"id": "10050", "name": "Data subject request"},
        "status": {"name": "Waiting for support", "statusCategory": {"key": "new"}},
        "created": at.strftime("%Y-%m-%dT%H:%M:%S.000%z"),
        "reporter": {"accountId": "qm:1", "emailAddress": email, "displayName": name},
        **{field: text or None for field, text in texts.items()},
        **{field: {"value": choice} if choice else None for field, choice in choices.items()},
    }
    issue = {"id": "10001", "key": key, "self": f"https://jira.example/rest/api/3/issue/{key}", "fields": fields}
    return {"timestamp": int(at.timestamp() * 1000), "webhookEvent": "jira:issue_created", "issue": issue}


def signed(
    channel: str, body: Mapping[str, Any] | bytes, secret: str, at: datetime, delivery_id: str
) -> tuple[dict[str, str], bytes]:
    """Headers and raw body as the system would send them at that moment; bytes are sent as they are."""
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    headers = {"content-type": "application/json"}
    if channel == "standard_webhooks":
        stamp = str(int(at.timestamp()))
        key = base64.b64decode(secret.removeprefix("whsec_") + "==")
        mac = hmac.new(key, f"{delivery_id}.{stamp}.".encode() + raw, hashlib.sha256).digest()
        headers |= {"webhook-id": delivery_id, "webhook-timestamp": stamp}
        return headers | {"webhook-signature": "v1," + base64.b64encode(mac).decode()}, raw
    if channel == "zendesk":
        stamp = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        mac = hmac.new(secret.encode(), stamp.encode() + raw, hashlib.sha256).digest()
        headers |= {"X-Zendesk-Webhook-Id": "01HSANDBOX", "X-Zendesk-Webhook-Invocation-Id": delivery_id}
        headers |= {"X-Zendesk-Webhook-Signature-Timestamp": stamp}
        return headers | {"X-Zendesk-Webhook-Signature": base64.b64encode(mac).decode()}, raw
    if channel == "jira":
        mac = hmac.new(secret.encode(), raw, hashlib.sha256).digest()
        headers |= {"X-Atlassian-Webhook-Identifier": delivery_id, "X-Hub-Signature": "sha256=" + mac.hex()}
        return headers, raw
    if channel == "freshdesk":  # it has no id of a delivery
        return headers | {"X-DSR-Secret": secret}, raw
    raise ValueError(channel)
