"""A record with every field, each with a value that is not its default."""

import json

from privacy_component import PrivacyConfig, SlicingSpec, Threshold
from privacy_component.evaluation.record import InputArtifact, Record, Splits
from privacy_component.gate.history import REFUSED, Earlier
from privacy_component.observations.outputs import OutputEvidence

FULL = Record(
    model_fingerprint='sha256:' + '1' * 64,
    artifacts={'model': (InputArtifact(17, '/model'),), 'schema': (InputArtifact(3, '/schema', 'sha256:2'),)},
    inputs={'model': '/model', 'schema': '/schema'},
    model_uri='/model/Format-Serving',
    splits=Splits(('train',), ('eval', 'test')),
    num_examples={'train': 400, 'eval': 300, 'test': 100},
    fingerprints={'train': '00000000000000ab', 'eval': '00000000000000cd', 'test': '00000000000000ef'},
    label_key='label',
    task='multiclass',
    output_kind='logits',
    output_kind_evidence='handed in as logits',
    output_evidence=OutputEvidence(800, 3, -4.5, 6.25, 7.125, 1, 2),
    warnings=('The outputs are saturated.',),
    upstream_blessed=True,
    slicing_specs=(SlicingSpec(), SlicingSpec(('color',), {'size': 1, 'price': 0.5, 'kind': 'Cash'})),
    config=json.loads(PrivacyConfig(thresholds=(Threshold('auc', 0.6),)).to_json()),
    eval_config={'modelSpecs': [{'labelKey': 'label'}], 'slicingSpecs': [{}]},
    judged_signature='serving_default',
    judged_output='outputs',
    model_called='directly',
    versions={'privacy-component': '0.1.0', 'numpy': '1.26.4'},
    pipeline='taxi',
    run='2026-01-02T03:04:05.678',
    started='2026-01-02T03:04:05Z',
    seconds=12.3,
    cpu_seconds={'decode': 1.5, 'predict': 2},
    sums_of_weights={'members': 399.5, 'non_members': 400.0},
    num_bad_records={'train': 1, 'eval': 0, 'test': 0},
    baseline_model_uri='/baseline/Format-Serving',
    baseline_output_kind='probabilities',
    num_reference_models=8,
    num_snapshots=5,
    class_names=('no tip', 'tip'),
    earlier_evaluations=(Earlier('/runs/7', REFUSED, 'red leaks', 'ab' * 32, ('examples', 'attacks')),),
)
