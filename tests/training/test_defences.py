"""The table of defences: its data, its steps on small data, and the page that is kept."""

import dataclasses

import numpy as np
import pytest

from pipelines import defences
from tests.training.data import digits


def test_nobody_is_on_two_sides():
    rows = np.arange(100)
    data = defences.split(rows[:, None], rows, (30, 20, 10, 40))
    sides = [labels for _, labels in dataclasses.astuple(data)]
    assert [len(side) for side in sides] == [30, 20, 10, 40]
    assert np.array_equal(np.sort(np.concatenate(sides)), rows)


@pytest.mark.parametrize('defence', [defences.DEFENCES[0], defences.DEFENCES[1], defences.DEFENCES[5]])
def test_a_row_and_a_point_for_a_defence(defence, tmp_path, monkeypatch):
    data = defences.split(*digits(), (200, 200, 200, 200))
    task = defences.Task('Digits', lambda: data, (16,), 3, 0.6, 1e-2, 1)
    monkeypatch.setattr(defences, 'DEFENCES', (defence,))
    monkeypatch.setattr(defences, 'METRICS', ('auc',))  # the tails need more members
    monkeypatch.setattr(defences, 'TITLES', ('AUC',))
    (row,) = defences.measured(task, data)
    assert row['epsilon'] is None and 0.1 < row['test_accuracy'] < 1
    auc = row['auc']
    assert auc['lower'] < auc['value'] < auc['upper'] and auc['attack'] in defences.ATTACKS
    assert f'| {defence.name} | ' in defences.page({'Digits': [row]})
    defences.draw({'Digits': [row]}, tmp_path / 'drawn.png')
    assert (tmp_path / 'drawn.png').stat().st_size > 5_000


def test_reference_models_see_halves_of_the_population_and_have_their_own_seeds():
    data = defences.split(*digits(), (200, 300, 100, 200))
    assert (defences.halves(data).sum(axis=0) == 1).all() and defences.halves(data).sum(axis=1).tolist() == [200, 200]
    seen = []
    spy = defences.Defence('spy', lambda task, data, setting: seen.append((task.seed, data)))
    defences.reference_models(spy, dataclasses.replace(defences.TASKS['fashion'], seed=5), data)
    assert [seed for seed, _ in seen] == [6, 7]
    together = np.concatenate([half.members[0] for _, half in seen])
    assert sorted(map(bytes, together)) == sorted(map(bytes, defences.population(data)[0]))


def test_pate_gives_a_student_and_its_claim(monkeypatch):
    monkeypatch.setattr(defences, 'TEACHERS', 5)
    data = defences.split(*digits(), (500, 300, 100, 400))
    task = defences.Task('Digits', lambda: data, (32,), 60, 0.6, 1e-2, 1)
    model = defences.pate(task, data, 0.5)
    assert model.claim.mechanism == 'pate' and model.claim.num_examples == 500
    inputs, labels = data.non_members
    assert np.mean(model.predict(inputs, verbose=0).argmax(axis=1) == labels) > 0.7


def test_accuracies_over_epochs_are_of_every_noise_and_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(defences, 'NOISES', (0.0, 1.0))
    data = defences.split(*digits(), (300, 200, 200, 300))
    task = defences.Task('Digits', lambda: data, (16,), 3, 0.6, 1e-2, 2)
    rows = defences.epochs_measured(task, data)
    assert [(row['noise'], len(row['train']), len(row['test'])) for row in rows] == [(0.0, 2, 2), (1.0, 2, 2)]
    monkeypatch.setattr(defences, 'COLOURS_OF_NOISES', defences.COLOURS_OF_NOISES[:2])
    defences.draw_epochs({'Digits': rows}, tmp_path / 'drawn.png')
    assert (tmp_path / 'drawn.png').stat().st_size > 5_000


def test_the_page_that_is_kept_is_of_these_defences():
    kept = (defences.DOCS / 'defences.md').read_text()
    assert kept.startswith(defences.TEXT)
    names = [defence.name for defence in defences.DEFENCES]
    for task in defences.TASKS.values():
        table = kept.split(f'## {task.title}\n')[1].split('##')[0]
        assert [line.split(' | ')[0][2:] for line in table.splitlines()[3:] if line] == names
