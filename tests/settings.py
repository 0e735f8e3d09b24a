"""Fields of PrivacyConfig, to hand on between the helpers of tests."""

from collections.abc import Mapping


def merged(fields, changes):
    """The fields with changes, also within groups: {'people': {'group_key': 'x'}} leaves the others of people."""
    inner = {
        name: {**fields[name], **value}
        for name, value in changes.items()
        if isinstance(value, Mapping) and isinstance(fields.get(name), Mapping)
    }
    return {**fields, **changes, **inner}
