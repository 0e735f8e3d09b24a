"""Record: what was evaluated and how, beside the figures; the `context` in privacy_metrics.json."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Any

from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.errors import PrivacyInputError
from privacy_component.evaluation.typed_json import from_json, to_json
from privacy_component.gate.history import Earlier
from privacy_component.observations.outputs import OutputEvidence
from privacy_component.observations.slicing import SlicingSpec

WHERE = 'context'
_UPSTREAM = 'upstream_blessed'
# What evaluate_privacy knows, in the order in which files have it; those of the component have the order of the fields.
_OF_ARRAYS = (
    'task', 'output_kind', 'output_kind_evidence', 'output_evidence', 'num_examples', 'config', 'slicing_specs',
    'warnings',
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class InputArtifact:
    """An artifact that the component read.

    Attributes:
      id: in ML Metadata; 0 where the orchestrator gave none.
      uri: where it is.
      fingerprint: 'sha256:' and the hash of its files; None for examples and the model, which have theirs in `Record`.
    """

    id: int
    uri: str
    fingerprint: str | None = None


@dataclasses.dataclass(frozen=True)
class Splits:
    """The names of the splits on either side.

    Attributes:
      members: those that the model was trained on.
      non_members: those that it has never seen.
    """

    members: tuple[str, ...]
    non_members: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Record:
    """What was evaluated and how. Whatever the gate is given beside the figures is here.

    A field is None where it was not recorded, as those that only the component has are for evaluate_privacy.

    Attributes:
      model_fingerprint: 'sha256:' and the hash of the model's files.
      artifacts: channel -> the artifacts that the component read from it, without earlier evaluations.
      inputs: channel -> the URIs in it, for a reader.
      model_uri: directory of the SavedModel, or of the model whose predictions the examples hold; '' for none.
      splits: which splits were members and which were not.
      num_examples: how many were read, in each split; of arrays, the number of rows.
      fingerprints: split -> 16 hexadecimal digits that tell its examples from others, whatever their order.
      label_key: the feature that is the label.
      task: 'multiclass', 'multilabel' or 'regression', of arrays.
      output_kind: what the model's outputs are: 'logits', 'probabilities' or, of arrays, 'predictions'.
      output_kind_evidence: what that follows from, in words, of arrays.
      output_evidence: the outputs' number, range and sums.
      warnings: what was noticed while measuring.
      upstream_blessed: whether the upstream validator blessed the model; None where none was asked.
      slicing_specs: the slices that were asked for, which the gate misses if they are absent.
      config: the PrivacyConfig as JSON, by the names it was recorded with, for its hashes are of these; see
        `privacy_config`.
      eval_config: the tfma.EvalConfig as JSON.
      judged_signature: the model's signature that the verdict is on.
      judged_output: which of its outputs.
      model_called: who called the model, in words.
      versions: package -> version, of what it was measured with.
      pipeline: the name of the TFX pipeline.
      run: the id of its run.
      started: UTC, ISO 8601.
      seconds: wall time.
      cpu_seconds: stage of the job -> CPU time of all workers.
      sums_of_weights: 'members' and 'non_members' -> the sum of their example weights, where they have any.
      num_bad_records: split -> records that could not be parsed, where some are tolerated.
      baseline_model_uri: directory of the baseline's SavedModel, if changes from it were measured.
      baseline_output_kind: what its outputs are.
      earlier_evaluations: those that did not bless the same model, the oldest first; None where the past is not wired.
      num_reference_models: how many attacks asked.
      num_snapshots: how many earlier states of the model attacks asked.
      class_names: what the classes are called, for a reader; of class 0, 1 ...
    """

    model_fingerprint: str | None = None
    artifacts: Mapping[str, tuple[InputArtifact, ...]] | None = None
    inputs: Mapping[str, str] | None = None
    model_uri: str | None = None
    splits: Splits | None = None
    num_examples: int | Mapping[str, int] | None = None
    fingerprints: Mapping[str, str] | None = None
    label_key: str | None = None
    task: str | None = None
    output_kind: str | None = None
    output_kind_evidence: str | None = None
    output_evidence: OutputEvidence | None = None
    warnings: tuple[str, ...] = ()
    upstream_blessed: bool | None = None
    slicing_specs: tuple[SlicingSpec, ...] = ()
    config: Mapping[str, Any] | None = None
    eval_config: Mapping[str, Any] | None = None
    judged_signature: str | None = None
    judged_output: str | None = None
    model_called: str | None = None
    versions: Mapping[str, str] | None = None
    pipeline: str | None = None
    run: str | None = None
    started: str | None = None
    seconds: float | None = None
    cpu_seconds: Mapping[str, float] | None = None
    sums_of_weights: Mapping[str, float] | None = None
    num_bad_records: Mapping[str, int] | None = None
    baseline_model_uri: str | None = None
    baseline_output_kind: str | None = None
    earlier_evaluations: tuple[Earlier, ...] | None = None
    num_reference_models: int | None = None
    num_snapshots: int | None = None
    class_names: tuple[str, ...] | None = None

    @property
    def config_fields(self) -> Mapping[str, Any]:
        """`config`.

        Raises:
          PrivacyInputError: it was not recorded, so that nothing can be decided.
        """
        if self.config is None:
            raise PrivacyInputError(
                f'{WHERE}.config is missing, and without the limits nothing can be decided: restore '
                'privacy_metrics.json, or evaluate again.'
            )
        return self.config

    @property
    def privacy_config(self) -> PrivacyConfig:
        """The config that was measured with.

        Raises:
          PrivacyInputError: it was not recorded, or is not valid.
        """
        return PrivacyConfig.from_fields(self.config_fields, 'privacy_config')

    def to_json_fields(self) -> dict[str, Any]:
        """JSON values from which `from_json_fields` makes an equal record; what was not recorded is left out."""
        fields = to_json(self)
        if self.model_uri is not None:
            return {name: fields.get(name) for name in _NAMES if name in fields or name == _UPSTREAM}
        return {name: fields[name] for name in itertools.chain(_OF_ARRAYS, fields) if name in fields}

    @classmethod
    def from_json_fields(cls, fields: Any) -> Record:
        """The record that `to_json_fields` made the fields of.

        Raises:
          PrivacyInputError: a field is unknown, for the gate may have been given it, or has a value of another type.
        """
        if not isinstance(fields, Mapping):
            raise PrivacyInputError(f'{WHERE} is {fields!r:.60}; it must be an object.')
        unknown = [name for name in fields if name not in _NAMES]
        if unknown:
            raise PrivacyInputError(
                f"{WHERE} has the field '{unknown[0]}', which this release does not know, so it cannot tell whether it "
                f'bears on the verdict: read the file with the release that wrote it ({WHERE}.versions).'
            )
        asked = {name: value for name, value in fields.items() if (name, value) != (_UPSTREAM, None)}
        record: Record = from_json(cls, asked, WHERE)
        return record


_NAMES = tuple(field.name for field in dataclasses.fields(Record))
