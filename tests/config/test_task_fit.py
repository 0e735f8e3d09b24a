"""What a config asks for has to fit its task: said where the config is made, or where the task becomes known."""

import numpy as np
import pytest

from privacy_component import PrivacyConfig, PrivacyInputError, SlicingSpec, Threshold, evaluate_privacy, policy
from privacy_component.attacks import ATTACKS, DEFAULT_ATTACKS
from privacy_component.observations.observations import TASKS

ON_CLASS = {'slicing_specs': (SlicingSpec(('@class',)),)}
UNFIT = {
    'an attack': (
        {'attacks': ('entropy_threshold', 'loss_threshold', 'correctness_threshold')},
        r"PrivacyConfig.attacks names 'entropy_threshold', 'correctness_threshold', for multiclass and multilabel "
        r'models only, but this is a regression model \(PrivacyConfig.outputs.task\): leave them out; without any, '
        r'loss_threshold and gradient_boosting run\.$',
    ),
    'a slice': (ON_CLASS, r"PrivacyConfig.slicing_specs names '@class', but this is a regression model"),
    'the slice of a limit': (
        {'thresholds': (Threshold('auc', 0.6), Threshold('auc', 0.6, slicing_specs=(SlicingSpec(('@correct',)),)))},
        r"thresholds\[1\].slicing_specs names '@correct', but this",
    ),
    'names of classes': ({'outputs': {'classes': ('no', 'yes')}}, 'outputs.classes has names for the classes'),
    'the attack of a limit': (
        {'thresholds': (Threshold('auc', 0.6, attacks=('logistic_regression',)),)},
        r"'logistic_regression', which is not among .* \(loss_threshold, gradient_boosting(, rmia.*)?\)",
    ),
}  # fmt: skip


@pytest.mark.parametrize('name', UNFIT)
def test_unfit_for_a_regression(name):
    given, message = UNFIT[name]
    outputs = {'task': 'regression', **given.get('outputs', {})}
    with pytest.raises(PrivacyInputError, match=message):
        PrivacyConfig(**given | {'outputs': outputs})


@pytest.mark.parametrize('name', UNFIT)
def test_unfit_for_what_turns_out_to_be_a_regression(name):
    given, message = UNFIT[name]
    rng = np.random.default_rng(0)
    config = PrivacyConfig(**given)
    with pytest.raises(PrivacyInputError, match=message):
        evaluate_privacy(
            is_member=[True, False] * 50,
            labels=rng.normal(size=100),
            predictions=rng.normal(size=100),
            config=config,
        )


@pytest.mark.parametrize('task', TASKS)
def test_policies_and_the_attacks_of_the_task_fit(task):
    for name in ('strict', 'standard', 'report_only'):
        assert policy(name, outputs={'task': task}).for_task(task).attacks == DEFAULT_ATTACKS[task]


@pytest.mark.parametrize('task', TASKS)
def test_every_attack_of_the_task_is_taken(task):
    names = tuple(name for name, info in ATTACKS.items() if task in info.tasks)
    assert PrivacyConfig(attacks=names, outputs={'task': task}).attacks == names


CLASSES = ('fare', 'free', 'no charge')


def evaluated(labels, classes=CLASSES, **given):
    rng = np.random.default_rng(1)
    outputs = given or {'logits': rng.normal(size=(300, 3))}
    config = PrivacyConfig(attacks=('loss_threshold',), outputs={'classes': classes})
    return evaluate_privacy(is_member=np.arange(300) % 2 == 0, labels=labels, config=config, **outputs)


@pytest.mark.parametrize('dtype', [object, str, bytes])
def test_labels_by_name_are_those_numbers(dtype):
    numbers = np.random.default_rng(0).integers(3, size=300)
    found = evaluated(np.array(CLASSES)[numbers].astype(dtype))
    assert [one.row() for one in found.results] == [one.row() for one in evaluated(numbers, ()).results]


def test_two_classes_of_one_output():
    numbers, outputs = np.random.default_rng(0).integers(2, size=300), np.random.default_rng(1).uniform(size=300)
    found = evaluated(np.array(['no', 'yes'])[numbers], ('no', 'yes'), probabilities=outputs)
    expected = evaluated(numbers, (), probabilities=outputs)
    assert [one.row() for one in found.results] == [one.row() for one in expected.results]


@pytest.mark.parametrize(
    ('labels', 'classes', 'message'),
    [
        (
            ['fare', 'freed', 'Anna'] * 100,
            CLASSES,
            r'labels is none of .*classes in 200 of 300 examples: name',
        ),
        (['fare', None] * 150, CLASSES, 'labels is none of .* in 150 of 300'),
        (['fare'] * 300, ('fare', 'free'), r'outputs.classes names 2 classes, but the model has 3: name all'),
        (
            [0, 1, 2] * 100,
            CLASSES,
            r'labels has shape \(300,\) and type int64, but .*classes names classes as text',
        ),
        (['fare'] * 300, ('fare', 'fare', 'free'), "outputs.classes names 'fare' twice"),
    ],
)
def test_labels_that_are_none_of_the_names(labels, classes, message):
    with pytest.raises(PrivacyInputError, match=message) as caught:
        evaluated(labels, classes)
    assert 'Anna' not in str(caught.value)
