"""RefusalOverride: the entry in a config by which a refused model may be blessed after all."""

from __future__ import annotations

import dataclasses

from privacy_component.config.declared import declare, settle
from privacy_component.config.rules import Text

_FINGERPRINT = Text(
    "copy the model's fingerprint from the reason that refuses it: 'sha256:' and 64 hexadecimal digits",
    'sha256:[0-9a-f]{64}',
)
_REASON = Text('say why the refusal no longer counts', r'[\s\S]*\S[\s\S]*')


@dataclasses.dataclass(frozen=True)
class RefusalOverride:
    """Leave to bless a model that an earlier evaluation refused, if nothing speaks against it now.

    Attributes:
      model: the model's fingerprint, as the refusal's reason prints it: 'sha256:' and 64 hexadecimal digits.
      reason: why the refusal no longer counts; it is printed with the verdict.
    """

    model: str = dataclasses.field(metadata=declare(_FINGERPRINT))
    reason: str = dataclasses.field(metadata=declare(_REASON))

    def __post_init__(self) -> None:
        settle(self, 'RefusalOverride')
