"""Each check on small evidence: what it finds, where its threshold is, and what becomes of a finding."""

import dataclasses
import json

import numpy as np
import pytest
from scipy.special import softmax

from privacy_component import PrivacyConfig, PrivacyInputError, PrivacyResult, Threshold, evaluate_privacy
from privacy_component.checks import CHECKS, NOT_RUN, OK, REFUSED, WARNING, run_checks
from privacy_component.checks.evidence_json import evidence_fields, evidence_from
from privacy_component.checks.output_summary import MORE_DECIMALS, Answers, fewest_decimals, multiples_of
from privacy_component.checks.sketches import HashBits
from privacy_component.gate.verdict import decide
from privacy_component.hashing import mix
from privacy_component.observations.outputs import OutputEvidence
from tests import synthetic

REFUSING = (
    'duplicates_across_splits',
    'near_duplicates',
    'constant_outputs',
    'tied_scores',
    'constant_labels',
    'labels_fit_outputs',
    'slice_spellings',
)
# What only a component that calls the model can ask; see test_same_answers.py.
OF_MODELS = ('other_signatures', 'stable_outputs')
# What there is to ask of reference models; see test_reference_models.py.
OF_REFERENCES = ('reference_halves', 'reference_recipe')
# What there is to ask of gradients, noisy copies and snapshots; see test_constant_signals.py.
OF_COLUMNS = ('constant_signals',)
NOT_HERE = (*OF_MODELS, *OF_REFERENCES, *OF_COLUMNS)
IN_ARRAYS = [name for name in CHECKS if name not in NOT_HERE]


def arguments(n=300, **settings):
    observations = synthetic.observations(n=n, **settings)
    return {
        'is_member': observations.is_member,
        'labels': observations.labels,
        'logits': observations.outputs,
        'example_ids': np.arange(2 * n),
        'features': {'half': np.random.default_rng(0).integers(0, 2, 2 * n)},
    }


def checked(given, actions=None, **settings):
    """The result, and its checks by name."""
    thresholds = (Threshold('auc', 0.75),)
    settings = {'attacks': ('loss_threshold',)} | settings
    config = PrivacyConfig(thresholds=thresholds, checks=actions or {}, **settings)
    result = evaluate_privacy(**given, config=config)
    return result, {check.name: check for check in result.checks}


def as_probabilities(given, scale=1.0, dtype=np.float64, decimals=None):
    rest = {name: value for name, value in given.items() if name != 'logits'}
    p = softmax(scale * given['logits'], axis=1).astype(dtype)
    return rest | {'probabilities': p if decimals is None else np.round(p, decimals)}


def unsound(name):
    """Arguments in which a check finds what it is there for."""
    given = arguments()
    n = len(given['labels']) // 2
    if name == 'duplicates_across_splits':
        given['example_ids'][n : n + 7] = given['example_ids'][:7]
    elif name == 'near_duplicates':
        given['logits'][n:] = given['logits'][:n] + 1e-5
        given['labels'][n:] = given['labels'][:n]
    elif name == 'duplicates_in_training':
        given['example_ids'][:40] = given['example_ids'][40:80]
    elif name == 'duplicates_in_non_members':
        given['example_ids'][n : n + 40] = given['example_ids'][n + 40 : n + 80]
    elif name == 'blind_baseline':
        given['features']['half'][: n // 2] = 1
    elif name == 'constant_outputs':
        given['logits'][: n + 2] = 1.5
    elif name == 'tied_scores':
        given['logits'] = 2.0 * np.eye(5)[np.argmax(given['logits'], axis=1)]
    elif name == 'saturated_outputs':
        return as_probabilities(given, 30.0, np.float32)
    elif name == 'rounded_outputs':
        given['logits'] = given['logits'].round(1)
    elif name == 'constant_labels':
        given['labels'] = np.full(2 * n, 3)
    elif name == 'labels_fit_outputs':
        given['labels'] = np.random.default_rng(0).permutation(given['labels'])
    elif name == 'slice_values':
        given['features']['half'][:60] = 7
    elif name == 'slice_spellings':
        given['features']['city'] = np.where(np.arange(2 * n) < n, 'Lyon', 'lyon')
    elif name == 'accuracy_gap':
        given['is_member'] = np.argmax(given['logits'], axis=1) != given['labels']
    return given


def test_nothing_is_found_where_nothing_is_wrong():
    result, checks = checked(arguments())
    assert {checks[name].status for name in IN_ARRAYS} == {OK}
    assert {checks[name].status for name in NOT_HERE} == {NOT_RUN}
    assert result.verdict.blessed and not result.verdict.warnings
    assert list(checks) == list(CHECKS)


@pytest.mark.parametrize('name', IN_ARRAYS)
def test_each_finds_what_it_is_for_and_does_as_by_default(name):
    result, checks = checked(unsound(name))
    status = REFUSED if name in REFUSING else WARNING
    assert checks[name].status == status
    assert (checks[name].message in result.verdict.reasons) == (status == REFUSED)
    assert (checks[name].message in result.verdict.warnings) == (status == WARNING)


@pytest.mark.parametrize('name', IN_ARRAYS)
@pytest.mark.parametrize(('action', 'status'), [('warn', WARNING), ('refuse', REFUSED), ('off', NOT_RUN)])
def test_each_does_as_configured(name, action, status):
    result, checks = checked(unsound(name), {name: action})
    assert checks[name].status == status
    assert any(checks[name].message == reason for reason in result.verdict.reasons) == (action == 'refuse')
    if action == 'refuse':
        assert not result.verdict.blessed
    if action == 'off':
        assert not checks[name].figures
        assert checks[name].message == 'Switched off by PrivacyConfig.checks.'


def test_planted_duplicates_are_counted_exactly():
    given = arguments()
    given['example_ids'][300:307] = given['example_ids'][:7]
    given['example_ids'][310] = given['example_ids'][0]
    given['example_ids'][100:103] = given['example_ids'][99]
    _, checks = checked(given)
    assert checks['duplicates_across_splits'].figures == {
        'shared_non_members': 8, 'share': 8 / 300, 'num_distinct': 600 - 8 - 3
    }  # fmt: skip
    assert '8 of 300 non-members (2.67 %)' in checks['duplicates_across_splits'].message
    assert checks['duplicates_in_training'].figures == {
        'copied_members': 4, 'variance_inflation': (296 + 16) / 300
    }  # fmt: skip


@pytest.mark.parametrize(('shared', 'status'), [(3, OK), (4, REFUSED)])
def test_a_few_duplicates_are_allowed(shared, status):
    given = arguments()
    given['example_ids'][300 : 300 + shared] = given['example_ids'][:shared]
    assert checked(given)[1]['duplicates_across_splits'].status == status


@pytest.mark.parametrize(('shared', 'most'), [(0.01, 1.0), (0.04, 0.25), (0.1, 0.1)])
def test_how_much_duplicates_hide(shared, most):
    """What the threshold rests on: of a leak that gives everybody away, an FPR of 1 % shows at most 0.01 / share."""
    n = 5000
    is_member, labels = np.arange(2 * n) < n, np.arange(2 * n) % 2
    z = np.random.default_rng(0).normal(size=2 * n) + 20.0 * is_member
    z[n : n + int(shared * n)] = z[: int(shared * n)]
    logits = np.column_stack([np.where(labels, -z, z), np.where(labels, z, -z)])
    config = PrivacyConfig(attacks=('loss_threshold',), slices={'by_class': False})
    (row,) = evaluate_privacy(is_member=is_member, labels=labels, logits=logits, config=config).rows()
    assert row['tpr_at_fpr'][0.01] == pytest.approx(most, abs=0.03)


@pytest.mark.parametrize(
    ('outputs', 'decimals'),
    [
        (np.array([[0.25, 0.75], [0.5, 0.5]]), 2),
        (np.array([[0.12, 0.88]], np.float32), 2),
        (np.array([[3.0], [-1.0]]), 0),
        (np.array([[3], [1]]), 0),
        (np.array([[0.12345, 0.87655]]), MORE_DECIMALS),
        (np.array([[5000.5]], np.float32), 1),
        (np.array([[123456.78]], np.float32), MORE_DECIMALS),
        (np.append(np.zeros(1000), 0.123456), MORE_DECIMALS),
    ],
)
def test_decimals(outputs, decimals):
    assert fewest_decimals(multiples_of(outputs)) == decimals


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_decimals_merge_to_those_of_the_whole(dtype):
    """A large value says nothing of decimals, of the small ones beside it neither, in whatever part they are."""
    rng = np.random.default_rng(0)
    found = set()
    for decimals in (0, 1, 2, 4, 7):
        for largest in (1, 300, 10_000.5, 1e6):
            z = np.append(rng.normal(size=600).round(decimals), largest)[rng.permutation(601)].astype(dtype)
            expected = fewest_decimals(multiples_of(z))
            for cuts in ([100], [1, 300, 599]):
                parts = zip(*map(multiples_of, np.split(z, cuts)), strict=True)
                assert fewest_decimals([all(has) for has in parts]) == expected
            found.add(expected)
    assert found == {0, 1, 2, 4, MORE_DECIMALS}


def test_answers_of_parts_with_a_large_value_merge_to_those_of_the_whole():
    observations = synthetic.observations('regression', n=1)
    z = np.array([10_000.5, 0.25])
    parts = [Answers.of(z[rows], observations.select(rows)) for rows in ([0], [1])]
    assert [part.figures().decimals for part in parts] == [1, 2]
    whole = Answers.of(z, observations).figures()
    assert parts[0].merge(*parts[1:]).figures() == parts[-1].merge(*parts[-2::-1]).figures() == whole
    assert whole.decimals == MORE_DECIMALS


@pytest.mark.parametrize(('decimals', 'status'), [(2, WARNING), (4, WARNING), (6, OK)])
def test_rounded_probabilities(decimals, status):
    assert checked(as_probabilities(arguments(classes=2), decimals=decimals))[1]['rounded_outputs'].status == status


def test_hard_labels_are_constant_outputs():
    given = arguments(classes=2)
    given['logits'] = np.tile([0.0, 1.0], (600, 1)) * np.where(np.arange(600) % 3, 1.0, -1.0)[:, None]
    _, checks = checked(given)
    assert checks['constant_outputs'].figures == {'num_distinct': 2, 'share': 400 / 600}


def test_saturation_of_clipped_logits_and_of_one_sigmoid_output():
    given = arguments()
    given['logits'] = np.minimum(given['logits'], 1.5)
    assert 'equal 1.5' in checked(given)[1]['saturated_outputs'].message
    p = np.concatenate([np.zeros(50), np.linspace(0.1, 0.9, 550)])
    rest = {name: value for name, value in given.items() if name != 'logits'}
    given = rest | {'labels': np.arange(600) % 2, 'probabilities': p}
    found = checked(given)[1]['saturated_outputs']
    assert 'equal 0.' in found.message and 'evaluate logits' in found.message


def test_the_accuracy_gap_is_context():
    given = arguments(shift=3.0)
    found = checked(given)[1]['accuracy_gap']
    assert found.status == OK and found.figures['gap'] > 0.05
    assert f'{found.figures["members"]:.3f} on members' in found.message


def test_answers_merge_to_those_of_the_whole():
    observations = synthetic.observations(n=400)
    whole = Answers.of(observations.outputs, observations).figures()
    parts = [
        Answers.of(observations.outputs[rows], observations.select(rows))
        for rows in np.array_split(np.random.default_rng(0).permutation(800), 9)
    ]
    assert parts[4].merge(*parts[5:]).merge(*parts[:4]).figures() == whole


def test_what_cannot_be_run_says_why_and_refuses_only_who_asks():
    given = {name: value for name, value in arguments(n=60).items() if name not in ('example_ids', 'features')}
    result, checks = checked(given)
    assert 'Too few distinct examples to learn from' in checks['blind_baseline'].message
    assert checks['duplicates_across_splits'].status == NOT_RUN
    assert result.verdict.blessed
    result, checks = checked(given, {'duplicates_across_splits': 'refuse'})
    assert checks['duplicates_across_splits'].status == REFUSED
    assert 'could not be run' in result.verdict.reasons[0]
    assert not result.verdict.blessed


def test_regression_has_no_saturation_to_refuse():
    observations = synthetic.observations('regression', n=200)
    given = {
        'is_member': observations.is_member, 'labels': observations.labels, 'predictions': observations.outputs
    }  # fmt: skip
    actions = {'saturated_outputs': 'refuse', 'accuracy_gap': 'refuse'}
    result, checks = checked(given, actions, attacks=('loss_threshold',))
    assert checks['saturated_outputs'].status == checks['accuracy_gap'].status == NOT_RUN
    assert result.verdict.blessed


@pytest.mark.parametrize(
    ('actions', 'message'),
    [
        ({'blind_baseline': ['warn']}, r"checks\['blind_baseline'\] is \['warn'\]; choose one of warn, refuse, off"),
        ({'blind_baseline': {'warn': 1}}, r"is \{'warn': 1\}; choose one of"),
        ({'blind_baseline': np.array(['warn', 'off'])}, r'choose one of warn'),
        ({'blind_baseline': None}, r'is None; choose one of'),
        ({3: 'warn'}, r"names '3', which is not one of"),
        ({('blind_baseline',): 'warn'}, r'which is not one of'),
        ([['blind_baseline', 'warn']], r'write it as names with'),
        ({'blind_baseline'}, r'write it as names with'),
        ({'blind_baselin': 'off'}, r"names 'blind_baselin', which is not one of .*; did you mean 'blind_baseline'\?"),
        ({'blind_baseline': 'refuze'}, r"checks\['blind_baseline'\] is 'refuze'; .*; did you mean 'refuse'\?"),
        ({'blind_baseline': True}, r"checks\['blind_baseline'\] is True; choose one of warn, refuse, off\."),
        ('off', "checks is 'off'; write it as names"),
        (['blind_baseline'], "checks is \\['blind_baseline'\\]; write"),
    ],
)
def test_settings_that_cannot_be_understood_are_named(actions, message):
    with pytest.raises(PrivacyInputError, match=message):
        PrivacyConfig(checks=actions)


def test_settings_and_results_survive_json():
    config = PrivacyConfig(checks={'blind_baseline': 'refuse'})
    assert PrivacyConfig.from_json(config.to_json()) == config
    result, _ = checked(unsound('duplicates_across_splits'))
    assert PrivacyResult.from_json(result.to_json()).checks == result.checks
    old = json.loads(result.to_json())
    del old['checks']
    assert PrivacyResult.from_json(json.dumps(old)).checks == ()


def test_evidence_survives_json_to_the_last_bit():
    from privacy_component.checks.evidence import BlindFigures, DuplicateFigures

    observations = synthetic.observations(n=50)
    figures = {
        'answers': Answers.of(observations.outputs, observations).figures(),
        'duplicates': DuplicateFigures(50, 50, 98.0, False, 3, 1.0, 2.0, 7.0),
        'blind': BlindFigures(1 / 3, 0.1, 0.6, 5, 4, 2, ('a', 'b')),
    }
    outputs = OutputEvidence.of(observations.outputs)
    fields = json.loads(json.dumps(evidence_fields([{'answers': figures.pop('answers')}, figures])))
    found = evidence_from(fields, 'multiclass', 'logits', outputs)
    assert dataclasses.asdict(found.duplicates) == dataclasses.asdict(figures['duplicates'])
    assert found.blind == figures['blind']


def test_estimates_are_called_so():
    from privacy_component.checks.duplicates import across_splits
    from privacy_component.checks.evidence import DuplicateFigures

    figures = DuplicateFigures(10**7, 10**7, 1.9e7, False, 1 << 20, 300_000, 0, 10**7)
    evidence = evidence_of_duplicates(figures)
    found = across_splits(evidence)
    assert found.is_unsound
    assert found.message.startswith('About 300,000 of 10,000,000 non-members (3 %, estimated from 1,048,576 distinct')


@pytest.mark.parametrize(('shared', 'share'), [(5, '0.5 %'), (996, '99.6 %'), (1000, '100 %')])
def test_shares_are_written_out(shared, share):
    from privacy_component.checks.duplicates import across_splits
    from privacy_component.checks.evidence import DuplicateFigures

    figures = DuplicateFigures(1000, 1000, 1000, True, 1000, shared, 0, 1000)
    assert across_splits(evidence_of_duplicates(figures)).message.startswith(
        f'{shared:,} of 1,000 non-members ({share})'
    )


@pytest.mark.parametrize(
    ('looked_at', 'missed'),
    [((50, 50), ''), ((55, 50), ''), ((50, 0), '50 of 100'), ((49, 48), '3 of 100'), ((60, 49), '1 of 100')],
)
@pytest.mark.parametrize('action', ['by default', 'warn', 'refuse', 'off'])
def test_examples_that_were_not_looked_at_are_no_pass(looked_at, missed, action):
    """Records that were read but dropped as bad are looked at and not scored, which is no harm."""
    from privacy_component.checks.evidence import BlindFigures, DuplicateFigures

    observations = synthetic.observations(n=50)
    figures = {
        'answers': Answers.of(observations.outputs, observations).figures(),
        'duplicates': DuplicateFigures(*looked_at, sum(looked_at), True, sum(looked_at), 0, 0, looked_at[0]),
        'blind': BlindFigures(0.5, 0.4, 0.6, 50, 50, 2, ('a', 'b')),
    }
    evidence = evidence_from(
        evidence_fields([figures]), 'multiclass', 'logits', OutputEvidence.of(observations.outputs)
    )
    names = ('duplicates_across_splits', 'duplicates_in_training', 'duplicates_in_non_members', 'blind_baseline')
    actions = {} if action == 'by default' else dict.fromkeys(names, action)
    checks = {check.name: check for check in run_checks(evidence, actions)}
    for name in names:
        chosen = CHECKS[name].default if action == 'by default' else action
        incomplete = {'warn': WARNING, 'refuse': REFUSED, 'off': NOT_RUN}[chosen]
        assert checks[name].status == (NOT_RUN if chosen == 'off' else incomplete if missed else OK)
        assert (f'could not look at {missed} examples' in checks[name].message) == (bool(missed) and chosen != 'off')


def evidence_of_duplicates(figures):
    observations = synthetic.observations(n=50)
    fields = evidence_fields([{'answers': Answers.of(observations.outputs, observations).figures()}])
    evidence = evidence_from(fields, 'multiclass', 'logits', OutputEvidence.of(observations.outputs))
    return dataclasses.replace(evidence, duplicates=figures)


def test_a_check_that_is_switched_off_costs_nothing(monkeypatch):
    monkeypatch.setattr(
        'privacy_component.evaluation.check_evidence.measure_blind', lambda *_, **__: pytest.fail('was run')
    )
    checked(arguments(), {'blind_baseline': 'off'})


def test_a_refusal_alone_blocks():
    result, checks = checked(arguments())
    refused = dataclasses.replace(checks['blind_baseline'], status=REFUSED, message='No.')
    config = PrivacyConfig(thresholds=(Threshold('auc', 0.9),))
    verdict = decide(result.results, config, checks=[refused])
    assert not verdict.blessed and verdict.reasons == ('No.',)


@pytest.mark.parametrize(('share', 'status'), [(0.9, 'refused'), (0.55, 'refused'), (0.45, 'ok'), (0.0, 'ok')])
def test_answers_alike_are_found_among_many_others(share, status):
    rng = np.random.default_rng(3)
    num_rows = 40_000
    logits = rng.standard_normal((num_rows, 3))
    logits[: int(share * num_rows)] = [1.0, 2.0, 3.0]
    order = rng.permutation(num_rows)
    result = evaluate_privacy(
        is_member=np.arange(num_rows) % 2 == 0, labels=rng.integers(0, 3, num_rows), logits=logits[order]
    )
    (found,) = (check for check in result.checks if check.name == 'constant_outputs')
    assert found.status == status
    assert abs(found.figures['share'] - share) < 0.02


@pytest.mark.parametrize('classes', [3, 10])
def test_one_hot_answers_tie(classes):
    """Two losses, right and wrong: with p of the members and q of the others right, pq + (1 - p)(1 - q) tie."""
    given = arguments(n=1000, classes=classes, shift=3.0)
    answers = np.argmax(given['logits'], axis=1)
    given['logits'] = np.eye(classes)[answers]
    _, checks = checked(given)
    p, q = (answers == given['labels']).reshape(2, 1000).mean(axis=1)
    assert checks['tied_scores'].figures['tied_pairs'] == pytest.approx(p * q + (1 - p) * (1 - q))
    assert checks['tied_scores'].status == REFUSED and checks['constant_outputs'].status == OK


@pytest.mark.parametrize(('share', 'status'), [(0.8, REFUSED), (0.6, OK)])
def test_ties_are_found_among_many_other_losses(share, status):
    """As a softmax in float32 leaves them: a loss of 0 for the sure ones; .8 squared is more than a half."""
    rng = np.random.default_rng(0)
    p = np.where(rng.random(40_000) < share, 1.0, rng.uniform(0.1, 0.9, 40_000))
    result = evaluate_privacy(is_member=np.arange(40_000) % 2 == 0, labels=np.ones(40_000, int), probabilities=p)
    (found,) = (check for check in result.checks if check.name == 'tied_scores')
    assert found.status == status
    assert found.figures['tied_pairs'] == pytest.approx(share**2, abs=0.03)


def test_counters_of_bits_merge():
    hashes = mix(np.arange(1000, dtype=np.uint64))
    parts = HashBits.of(hashes[:300]).merge(HashBits.of(hashes[300:]))
    whole = HashBits.of(hashes)
    assert parts.num_rows == whole.num_rows and np.array_equal(parts.num_set, whole.num_set)
