"""CanaryConfig: which canaries go into the training data; the secret that decides where each goes is not part of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from privacy_component.config.declared import declare, from_mapping, settle
from privacy_component.config.json_text import read_json
from privacy_component.config.rules import Choice, Integer, Names, Number, Text
from privacy_component.errors import PrivacyInputError

BRIGHT, RANDOM, MISLABELLED = DESIGNS = ('bright', 'random', 'mislabelled')
CANARY_IN, CANARY_OUT = CANARY_SPLITS = ('canary_in', 'canary_out')

MOST_CANARIES = 100_000
_NAME = "write a feature's name"


@dataclass(frozen=True)
class CanaryConfig:
    """Canaries for an audit of one training run.

    Attributes:
      label_key: the feature that is the label; a canary's is drawn from those of real examples.
      feature_keys: the features of numbers that a canary's input is made of; none for 'mislabelled'.
      num_canaries: m; each is in the training data by a fair coin of its own.
      design: what a canary is. 'bright': all feature_keys 0 but for one value, each canary's its own, so there are no
        more canaries than values. 'random': every value drawn uniformly from -value to value, or from 0 for whole
        numbers. 'mislabelled': a real example with another label, which is taken out of the split under its own.
      value: what is written into features: of 'bright' the one value, of 'random' the largest.
      split: what the model is trained on.
    """

    label_key: str = field(metadata=declare(Text(_NAME, '.+')))
    feature_keys: tuple[str, ...] = field(default=(), metadata=declare(Names()))
    num_canaries: int = field(default=750, metadata=declare(Integer(20, MOST_CANARIES)))
    design: str = field(default=BRIGHT, metadata=declare(Choice(DESIGNS)))
    value: float = field(default=20.0, metadata=declare(Number(0, 2.0**31, is_low_excluded=True)))
    split: str = field(default='train', metadata=declare(Text("write a split's name", '.+')))

    def __post_init__(self) -> None:
        settle(self, 'CanaryConfig')
        if self.label_key in self.feature_keys:
            raise PrivacyInputError(
                f"CanaryConfig.feature_keys names the label '{self.label_key}': a canary's input is made of the other "
                'features.'
            )
        if self.design == MISLABELLED and self.feature_keys:
            raise PrivacyInputError(
                "CanaryConfig.feature_keys is given and the design is 'mislabelled', whose inputs are those of real "
                'examples: leave it out.'
            )
        if self.design != MISLABELLED and not self.feature_keys:
            raise PrivacyInputError(
                f"CanaryConfig.feature_keys is empty, and canaries of the design '{self.design}' are made of features: "
                'name those that hold numbers.'
            )
        if self.split in CANARY_SPLITS:
            raise PrivacyInputError(f'CanaryConfig.split is {self.split!r}: name the split that is trained on.')

    def to_json(self) -> str:
        """JSON text; `from_json` reads it back to an equal config."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> CanaryConfig:
        """The config that JSON text describes.

        Raises:
          PrivacyInputError: the text is not JSON, or a field is unknown or out of range; the message names it.
        """
        config: CanaryConfig = from_mapping(cls, read_json(text, 'canary_config'), 'canary_config')
        return config
