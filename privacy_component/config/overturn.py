"""Overturn: the entry in a config by which a refused model may be blessed after all."""

from __future__ import annotations

import dataclasses
import re

from privacy_component.errors import PrivacyInputError

_FINGERPRINT = re.compile(r'sha256:[0-9a-f]{64}')


@dataclasses.dataclass(frozen=True)
class Overturn:
    """Leave to bless a model that an earlier evaluation refused, if nothing speaks against it now.

    Attributes:
      model: the model's fingerprint, as the refusal's reason prints it: 'sha256:' and 64 hexadecimal digits.
      reason: why the refusal no longer counts; it is printed with the verdict.
    """

    model: str
    reason: str

    def __post_init__(self) -> None:
        if not isinstance(self.model, str) or not _FINGERPRINT.fullmatch(self.model):
            raise PrivacyInputError(
                f"Overturn.model is {self.model!r}; copy the model's fingerprint from the reason that refuses it: "
                "'sha256:' and 64 hexadecimal digits."
            )
        if not isinstance(self.reason, str) or not self.reason.strip():
            raise PrivacyInputError(f'Overturn.reason is {self.reason!r}; say why the refusal no longer counts.')
