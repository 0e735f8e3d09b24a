"""The job's graph with everything in it that it can have, by either way to call a model."""

import dataclasses

from google.protobuf import json_format

from privacy_component import PrivacyConfig, SlicingSpec, Threshold
from privacy_component.beam.plan import ModelPlan, Plan, ReferencePlan, SplitFiles
from tests.component import world as w

ATTACKS = ('loss_threshold', 'logistic_regression', 'gradient_norm', 'lira')


def whole_plan(model_path, calls_model_directly=True, **settings):
    """Attacks that learn, a baseline, reference models, tenths by loss and the most vulnerable, of splits nowhere.

    The model is on this machine: TensorFlow asks for credentials where a path is elsewhere.
    """
    model = ModelPlan(model_path, json_format.MessageToJson(w.eval_config()))
    files = tuple(f'gs://bucket/examples/part-{i}.gz' for i in range(3))
    references = ReferencePlan((dataclasses.replace(model, output_kind='logits'),) * 4, 0, {})
    config = PrivacyConfig(
        attacks=ATTACKS if calls_model_directly else ATTACKS[:2],
        thresholds=(Threshold('auc', absolute=0.1),),
        people={'num_most_vulnerable': 5},
        measurement={'max_bad_record_share': 0.1 if calls_model_directly else 0.0},
        **settings,
    )
    return Plan(
        config=config,
        models={'candidate': (model,), 'baseline': (model,)} if calls_model_directly else {'candidate': (model,)},
        splits=(SplitFiles('train', True, files), SplitFiles('eval', False, files)),
        slicing_specs=(SlicingSpec(('color',)), SlicingSpec(('@loss_percentile',))),
        calls_model_directly=calls_model_directly,
        references=references if calls_model_directly else None,
        columns=('gradient_norm',) if calls_model_directly else (),
    )
