"""Which fields of a config a replay may change: those that declare it."""

import dataclasses

import pytest

from privacy_component import OneRunAudit, PrivacyConfig, RefusalOverride, SlicingSpec, Threshold
from privacy_component.cli import main
from privacy_component.config.moved_fields import MOVED
from tests.report import examples
from tests.stored import write

# Every field of a config, and another value than that of examples.evaluated.
OTHERS = {
    'attacks': ('loss_threshold',),
    'thresholds': (Threshold('auc', 0.7),),
    'member_splits': ('all',),
    'non_member_splits': ('none',),
    'slicing_specs': (SlicingSpec(('kind',)),),
    'report_only': True,
    'checks': {'accuracy_gap': 'off'},
    'audits': (OneRunAudit(3.0, 1e-5),),
    'slices.by_class': False,
    'slices.by_correctness': True,
    'slices.by_loss_percentile': True,
    'slices.missing': True,
    'slices.max_slices': 9_999,
    'people.group_key': 'person',
    'people.group_aggregation': 'mean',
    'people.num_most_vulnerable': 1,
    'people.min_reported_examples': 1,
    'outputs.task': 'multiclass',
    'outputs.kind': 'logits',
    'outputs.classes': ('no', 'yes'),
    'measurement.folds': 3,
    'measurement.seed': 1,
    'measurement.max_distinct_scores': 1000,
    'measurement.max_bad_record_share': 0.1,
    'measurement.batch_size': 64,
    'measurement.time_limit_seconds': 60,
    'measurement.num_queries': 8,
    'decision.confidence_level': 0.9,
    'decision.min_examples': 31,
    'decision.small_slices': 'block',
    'decision.without_baseline': 'ignore',
    'decision.refusal_overrides': (RefusalOverride('sha256:' + '0' * 64, 'mistaken limit'),),
}
REPLAYABLE = {'thresholds', 'report_only', *(path for path in OTHERS if path.startswith('decision.'))}


def changed(config, path, value):
    group, _, name = path.rpartition('.')
    if group:
        return dataclasses.replace(config, **{group: dataclasses.replace(getattr(config, group), **{name: value})})
    limits = {'thresholds': ()} if name == 'report_only' else {}
    return dataclasses.replace(config, **limits, **{name: value})


def test_these_are_all_fields():
    config, groups = PrivacyConfig(), {group for group, _ in MOVED.values()}
    paths = {f.name for f in dataclasses.fields(config)} - groups
    paths |= {f'{group}.{f.name}' for group in groups for f in dataclasses.fields(getattr(config, group))}
    assert paths == set(OTHERS)


@pytest.mark.parametrize('path', OTHERS)
def test_a_replay_may_change_what_only_the_gate_reads_and_names_the_path_of_all_else(tmp_path, capsys, path):
    result = examples.evaluated(0.0, n=300)
    write(tmp_path, result)
    asked = changed(result.record.privacy_config, path, OTHERS[path])
    (tmp_path / 'asked.json').write_text(asked.to_json())
    code = main(['gate', '--unsealed', '--metrics', str(tmp_path), '--config', str(tmp_path / 'asked.json')])
    if path in REPLAYABLE:
        assert code in (0, 1)
    else:
        assert code == 2
        assert f'PrivacyConfig.{path} is ' in capsys.readouterr().err
