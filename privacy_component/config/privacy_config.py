"""PrivacyConfig: what to attack with, on which splits, and what may not be exceeded."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from privacy_component.attacks import DEFAULT_ATTACKS, DEFAULT_WITH_REFERENCES, DEFAULT_WITH_SNAPSHOTS
from privacy_component.checks import ACTIONS, CHECKS, checked_actions
from privacy_component.config.attack_names import AttackNames
from privacy_component.config.audits import OneRunAudit
from privacy_component.config.declared import declare, from_mapping, settle
from privacy_component.config.json_text import read_json
from privacy_component.config.moved_fields import MOVED, regrouped, warn_moved
from privacy_component.config.rules import Each, Flag, Names, Object
from privacy_component.config.schema import DRAFT, schema_of
from privacy_component.config.settings import (
    AUTO,
    IGNORE,
    DecisionSettings,
    MeasurementSettings,
    OutputSettings,
    PeopleSettings,
    SliceSettings,
)
from privacy_component.config.task_fit import check_fits
from privacy_component.config.thresholds import Threshold
from privacy_component.errors import PrivacyInputError
from privacy_component.observations.slicing import SlicingSpec

_ATTACKS = AttackNames()
_SPLITS = Names(at_least=1)


class _Actions:
    """What becomes of the findings of checks, by name."""

    def checked(self, path: str, value: Any) -> dict[str, str]:
        return checked_actions(value)

    def schema(self) -> dict[str, Any]:
        actions = {name: {'enum': list(ACTIONS), 'default': check.default} for name, check in CHECKS.items()}
        return {'type': 'object', 'properties': actions, 'additionalProperties': False}


@dataclass(frozen=True)
class PrivacyConfig:
    """Settings of a privacy evaluation; JSON both ways.

    The fields that most configs set are here, the others in groups. A group is given as an instance or as a mapping of
    the fields that differ from their defaults: `PrivacyConfig(slices={'by_class': False})`.

    Attributes:
      attacks: names from the attack registry, with parameters as `{'name': 'quantile', 'quantile': 0.9}`; for
        evaluate_privacy also attacks themselves. Left out, they are those of the task: the loss, and one that learns
        (`attacks.DEFAULT_ATTACKS`); with reference models also two that use these (`attacks.DEFAULT_WITH_REFERENCES`),
        and with snapshots one that uses them (`attacks.DEFAULT_WITH_SNAPSHOTS`).
      thresholds: limits; without any, no model is blessed.
      member_splits: splits of the examples that the model was trained on.
      non_member_splits: splits that it has never seen.
      slicing_specs: slices to look at besides the overall one and those of eval_config.
      report_only: measure and report, judge nothing, bless nothing; without thresholds.
      checks: what becomes of a finding of a check of the measurement itself, by the check's name: 'warn', 'refuse' (no
        blessing) or 'off'. Others do as by default; see docs/checks.md.
      audits: claims of differential privacy to test with canaries; a model that gives away more than it claims is not
        blessed. See docs/canaries.md.
      slices: which slices are looked at besides slicing_specs.
      people: whose the examples are, and when they may be told apart in what is written.
      outputs: what the model's outputs are.
      measurement: folds, seed and bounds of the measurement.
      decision: how the thresholds are judged.
    """

    attacks: tuple[str, ...] = field(default=(), metadata=declare(_ATTACKS))
    thresholds: tuple[Threshold, ...] = field(default=(), metadata=declare(Each(Threshold), replayable=True))
    member_splits: tuple[str, ...] = field(default=('train',), metadata=declare(_SPLITS))
    non_member_splits: tuple[str, ...] = field(default=('eval',), metadata=declare(_SPLITS))
    slicing_specs: tuple[SlicingSpec, ...] = field(default=(), metadata=declare(Each(SlicingSpec)))
    report_only: bool = field(default=False, metadata=declare(Flag(), replayable=True))
    checks: Mapping[str, str] = field(default_factory=dict, metadata=declare(_Actions()))
    audits: tuple[OneRunAudit, ...] = field(default=(), metadata=declare(Each(OneRunAudit)))
    slices: SliceSettings = field(default=SliceSettings(), metadata=declare(Object(SliceSettings)))
    people: PeopleSettings = field(default=PeopleSettings(), metadata=declare(Object(PeopleSettings)))
    outputs: OutputSettings = field(default=OutputSettings(), metadata=declare(Object(OutputSettings)))
    measurement: MeasurementSettings = field(
        default=MeasurementSettings(), metadata=declare(Object(MeasurementSettings))
    )
    decision: DecisionSettings = field(default=DecisionSettings(), metadata=declare(Object(DecisionSettings)))

    def __post_init__(self) -> None:
        settle(self, 'PrivacyConfig')
        if self.outputs.task != AUTO:
            check_fits(self, self.outputs.task)
        self._check_splits()
        self._check_threshold_attacks()
        self._check_baseline()
        self._check_report()

    if not TYPE_CHECKING:  # for which only the new names exist

        def __getattr__(self, name: str) -> Any:
            """The field of a flat name that has moved."""
            if name not in MOVED:
                raise AttributeError(f'{type(self).__name__!r} object has no attribute {name!r}')
            warn_moved({name: None})
            group, new = MOVED[name]
            return getattr(getattr(self, group), new)

    def for_task(self, task: str, has_references: bool = False, has_snapshots: bool = False) -> PrivacyConfig:
        """The config with its attacks named; those of the task, 'multiclass' say, where it leaves them out.

        Args:
          task: the model's.
          has_references: whether there are reference models, trained on known halves of the examples.
          has_snapshots: whether there are earlier states of the model.

        Raises:
          PrivacyInputError: it asks for what the task does not have, or a threshold names an attack that is not among
            these; the message names the field.
        """
        more = (DEFAULT_WITH_REFERENCES if has_references else ()) + (DEFAULT_WITH_SNAPSHOTS if has_snapshots else ())
        config = self if self.attacks else replace(self, attacks=(*DEFAULT_ATTACKS[task], *more))
        check_fits(config, task)
        return config

    def to_json(self) -> str:
        """The config as JSON text; `from_json` reads it back to an equal config."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> PrivacyConfig:
        """The config that JSON text describes.

        Raises:
          PrivacyInputError: the text is not JSON, has a key twice, or a field is unknown or out of range; the message
            names it.
        """
        given = read_json(text, 'privacy_config')
        config = cls.from_fields(given, 'privacy_config')
        warn_moved(given)
        return config

    @classmethod
    def from_fields(cls, given: Any, where: str) -> PrivacyConfig:
        """The config of a JSON object; flat names of moved fields are read without a warning, as in old files.

        Args:
          given: the fields.
          where: what errors are about.

        Raises:
          PrivacyInputError: it is no JSON object, or a field is unknown or out of range.
        """
        return from_mapping(cls, regrouped(given, where) if isinstance(given, Mapping) else given, where)

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """JSON Schema (draft 2020-12) of the config's JSON, for editors.

        It knows every name, type, range and choice, and not how fields depend on one another.
        """
        return {'$schema': DRAFT, 'title': cls.__name__, **schema_of(cls)}

    def _check_splits(self) -> None:
        both = sorted(set(self.member_splits) & set(self.non_member_splits))
        if both:
            raise PrivacyInputError(
                f'split {both[0]!r} is in both PrivacyConfig.member_splits and non_member_splits: an example is either '
                'a member or not, so name it in one of them.'
            )

    def _check_threshold_attacks(self) -> None:
        defaults = DEFAULT_ATTACKS if self.outputs.task == AUTO else {'': DEFAULT_ATTACKS[self.outputs.task]}
        named = (*defaults.values(), DEFAULT_WITH_REFERENCES, DEFAULT_WITH_SNAPSHOTS)
        known = self.attacks or tuple(name for names in named for name in names)
        for threshold in self.thresholds:
            for name in threshold.attacks:
                if name not in known:
                    raise PrivacyInputError(
                        f"Threshold.attacks names '{name}', which is not among PrivacyConfig.attacks "
                        f'({", ".join(dict.fromkeys(known))}): add it there, or the limit could never be checked.'
                    )

    def _check_baseline(self) -> None:
        is_ignored = self.decision.without_baseline == IGNORE
        if is_ignored and self.thresholds and all(one.is_change for one in self.thresholds):
            raise PrivacyInputError(
                f"PrivacyConfig.decision.without_baseline is '{IGNORE}' but every threshold limits a change, so "
                "without a baseline nothing would be checked: add a threshold with upper_bound, or set it to 'block'."
            )

    def _check_report(self) -> None:
        named, decided = self.people.min_reported_examples, self.decision.min_examples
        if named > decided:
            raise PrivacyInputError(
                f'PrivacyConfig.people.min_reported_examples is {named} and decision.min_examples only {decided}: a '
                'slice could block without being named, so lower the first or raise the second.'
            )
        if self.report_only and self.thresholds:
            raise PrivacyInputError(
                'PrivacyConfig.report_only is true and would leave the thresholds unjudged: remove one or the other.'
            )


def _also_by_flat_names(init: Any) -> Any:
    """The constructor, which takes flat names of moved fields too, with a warning."""

    @functools.wraps(init)
    def init_by_any_names(self: PrivacyConfig, *args: Any, **given: Any) -> None:
        init(self, *args, **regrouped(given))
        warn_moved(given)

    return init_by_any_names


PrivacyConfig.__init__ = _also_by_flat_names(PrivacyConfig.__init__)  # type: ignore[method-assign]
