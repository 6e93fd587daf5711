"""Who may do what in Airflow: two roles of our own, one user each, and one administrator. Safe to run again.

    officer    reads all, enters, decides, extends and repairs requests; no connections, no variables, no users
    intake     the webhook's service user: starts runs of requests and looks at the sources, and nothing else; above all
               it releases nothing
    engineer   Airflow's own role Admin

Roles are brought in line with this file. Passwords come from <NAME>_PASSWORD; a person's is set once, when the user
is new, the service user's every time, since the webhook signs in with what stands in the environment.
"""

import os
from typing import Any, Final

REQUESTS: Final = (
    "dsr_access", "dsr_portability", "dsr_erasure", "dsr_rectification", "dsr_restriction", "dsr_objection",
)  # fmt: skip
"""The DAGs whose runs are requests. DAG permission is asked for beside that on runs, tasks and decisions (FAB)."""

TRIAGE: Final = "dsr_triage"
"""The DAG in which a person settles what has to be before a request's own run starts."""
EXTENSION: Final = "dsr_extension"
"""The DAG that an officer starts by hand, and nobody's program."""
PLANNING: Final = "dsr_planning_anew"
"""The DAG that only a request's run starts; an officer may repair its runs."""
SOURCES: Final = "dsr_sources"
"""The DAG that looks at the source systems; the console starts it when an officer asks."""
LIST: Final = "dsr_erasure_list"
"""The DAG that goes through an erasure list; taking one in starts it."""

_STARTED: Final = (*REQUESTS, TRIAGE, SOURCES, LIST)
"""What the console and the webhook start, as the service user: for requests that an officer enters, too. So an officer
may start them; a run of a request that nobody has accepted does nothing."""
_EDIT_STARTED: Final = [("can_edit", f"DAG:{dag_id}") for dag_id in _STARTED]

ROLES: Final = {
    "dsr intake": [
        ("can_create", "DAG Runs"),
        *_EDIT_STARTED,
        ("can_read", "Website"),  # FAB gives it to every role
    ],
    "dsr officer": [
        *[
            ("can_read", resource)
            for resource in (
                "Website", "DAGs", "DAG Runs", "DAG Versions", "DAG Dependencies", "DAG Warnings", "Task Instances",
                "Task Logs", "XComs", "HITL Detail", "Assets", "Jobs", "Pools", "Plugins", "ImportError",
                "Cluster Activity", "My Profile", "My Password",
            )
        ],
        *[("menu_access", menu) for menu in ("DAGs", "DAG Runs", "Task Instances", "HITL Detail", "Browse")],
        *[("can_edit", resource) for resource in ("HITL Detail", "DAG Runs", "Task Instances", "My Password")],
        *_EDIT_STARTED,
        *[("can_edit", f"DAG:{dag_id}") for dag_id in (EXTENSION, PLANNING)],
        *[("can_create", f"DAG Run:{dag_id}") for dag_id in (*_STARTED, EXTENSION)],
    ],
}  # fmt: skip

USERS: Final = {
    "officer": ("dsr officer", "Privacy", "Officer"),
    "engineer": ("Admin", "Data", "Engineer"),
    "intake": ("dsr intake", "Webhook", "Service"),
}
_SERVICE: Final = "intake"


def main() -> None:
    """Bring roles, then users in line."""
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

    with get_application_builder() as builder:
        manager = builder.sm
        for name, wanted in ROLES.items():
            _align_role(manager, name, set(wanted))
        for name in USERS:
            _align_user(manager, name, os.environ[f"{name.upper()}_PASSWORD"])


def _align_role(manager: Any, name: str, wanted: set[tuple[str, str]]) -> None:
    role = manager.add_role(name)
    has = {(permission.action.name, permission.resource.name): permission for permission in role.permissions}
    for action, resource in sorted(wanted - has.keys()):
        manager.add_permission_to_role(role, manager.create_permission(action, resource))
    for pair in has.keys() - wanted:
        manager.remove_permission_from_role(role, has[pair])


def _align_user(manager: Any, name: str, password: str) -> None:
    role_name, first, last = USERS[name]
    role = manager.find_role(role_name)
    user = manager.find_user(username=name)
    if user is None:
        user = manager.add_user(name, first, last, f"{name}@localhost", role, password)
        if not user:
            raise SystemExit(f"user {name} could not be made")
    elif name == _SERVICE:
        manager.reset_password(user.id, password)
    user.roles = [role]
    if not manager.update_user(user):
        raise SystemExit(f"user {name} could not be given the role {role_name}")


if __name__ == "__main__":
    main()
