"""What a test may turn on the running org, through the admin port."""

from dataclasses import dataclass, field


@dataclass
class Settings:
    """daily_limit: API calls per day before REQUEST_LIMIT_EXCEEDED; used: calls so far; page_size: most rows of a
    query page; hidden_objects: objects that the integration user may not see (no licence or no permission);
    hidden_fields: likewise, `Object.Field` (field-level security)."""

    daily_limit: int = 100_000
    used: int = 0
    page_size: int = 2000
    hidden_objects: list[str] = field(default_factory=list)
    hidden_fields: list[str] = field(default_factory=list)
