"""What inversion shows of people who are a class each, at rising noise: python -m pipelines.inversion.

Trains a small network to tell 40 people apart, undefended and with DP-SGD, asks each model for every person, and looks
for the person among 1,001; writes docs/inversion.md and docs/inversion.png. A person is an image of Fashion-MNIST
(Debian's dataset-fashion-mnist; without it of scikit-learn's digits), with 30 noisy copies to train on. Takes minutes.
"""

from __future__ import annotations

import argparse
import gzip
import os
import tempfile
from pathlib import Path

import numpy as np

DOCS = Path(__file__).parents[1] / 'docs'
FASHION = Path('/usr/share/datasets/fashion-mnist')
NOISES = (0.0, 1.0, 2.0, 4.0)
PEOPLE, OTHERS, COPIES, NOISE_OF_COPIES = 40, 1000, 30, 0.15
NUM_DRAWN = 8
SEEDS = 3


def pictures(limit: int = 6000) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, side, side) in [0, 1] and classes: Fashion-MNIST at half its width, or scikit-learn's digits."""
    if not FASHION.exists():
        from sklearn.datasets import load_digits

        digits = load_digits()
        return (digits.images / 16).astype(np.float32), digits.target
    with gzip.open(FASHION / 'train-images-idx3-ubyte.gz') as images:
        pixels = np.frombuffer(images.read(16 + limit * 784), np.uint8, offset=16).reshape(-1, 14, 2, 14, 2)
    with gzip.open(FASHION / 'train-labels-idx1-ubyte.gz') as labels:
        classes = np.frombuffer(labels.read(8 + limit), np.uint8, offset=8).astype(np.int64)
    return (pixels.mean(axis=(2, 4)) / 255).astype(np.float32), classes


def people(images, seed, num_people=PEOPLE, num_others=OTHERS, copies=COPIES):
    """Images of people and of others, and noisy copies of the people's with their numbers, to train on."""
    rng = np.random.default_rng(seed)
    drawn = images[rng.permutation(len(images))[: num_people + num_others]]
    own, others = drawn[:num_people], drawn[num_people:]
    person = np.repeat(np.arange(num_people), copies)
    noisy = own[person] + rng.normal(0, NOISE_OF_COPIES, (len(person), *own.shape[1:]))
    return own, others, (np.clip(noisy, 0, 1).astype(np.float32), person)


def trained(examples, num_classes, noise, seed, epochs=15):
    """A network, undefended for a noise of 0, and the epsilon of its training."""
    import keras

    from privacy_component.training import dp_sgd

    keras.utils.set_random_seed(seed)
    hidden = keras.layers.Dense(64, activation='relu')
    inputs = keras.Input(examples[0].shape[1:])
    model = keras.Sequential([inputs, keras.layers.Flatten(), hidden, keras.layers.Dense(num_classes)])
    settings = {'optimizer': keras.optimizers.Adam(3e-3)}
    settings['loss'] = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    if not noise:
        model.compile(**settings)
        model.fit(*examples, batch_size=100, epochs=epochs, verbose=0)
        return model, None
    count = len(examples[1])
    private = dp_sgd(model, noise_multiplier=noise, num_examples=count, batch_size=100, epochs=epochs, seed=seed)
    private.compile(**settings)
    private.fit(*examples, verbose=0)
    return model, private.claim.epsilon


def shown(model, targets):
    """What the model shows when it is asked for each target: through its SavedModel, as an attacker has it."""
    from privacy_component.inversion import reconstruct

    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, verbose=False)
        return reconstruct(folder, targets)


def measured(images, noise, seed, **sizes):
    """Accuracy and epsilon of a model, how often people are identified, and the first reconstructions."""
    from privacy_component.inversion import identification

    own, others, examples = people(images, seed, **sizes)
    model, epsilon = trained(examples, len(own), noise, seed)
    found = shown(model, np.arange(len(own)))
    accuracy = float(np.mean(model.predict(examples[0], verbose=0).argmax(axis=1) == examples[1]))
    named = identification(found.inputs, own, others)
    return {'noise': noise, 'epsilon': epsilon, 'accuracy': accuracy, 'named': named, 'own': own, 'found': found.inputs}


def classes_measured(images, classes, seed, num=1000):
    """Of models of classes of many people: how near what they show is to members and to non-members."""
    from privacy_component.inversion import nearness

    rows = np.random.default_rng(seed).permutation(len(images))[: 2 * num]
    members, others = ((images[part], classes[part]) for part in (rows[:num], rows[num:]))
    model, _ = trained(members, 10, 0.0, seed, epochs=40)
    return nearness(shown(model, np.arange(10)).inputs, np.arange(10), members, others)


TEXT = """# What inversion shows, and what it does not

Made by `python -m pipelines.inversion`: a network that tells 40 people apart, each an image of Fashion-MNIST with 30
noisy copies to train on. Every model is asked, through its SavedModel, for the input of each person (Fredrikson et al.
2015); *first* is the share of people whose own image is the most like what came out, among it and 1,000 others.
Guessing gets 0.001. Epsilon is for one copy, not for a person, who has 30, at delta = 1 / (2 x copies).

![Reconstructions at rising noise](inversion.png)

What these figures say, and no more than that:

- Where a class is a person, who has the model can pick the person out. Strong noise ends that, and the accuracy with
  it.
- The attack finds less than there may be: a low share is no proof of safety, so nothing is gated by it.
- Where a class holds many people, inversion measures no privacy: what it shows is an average of the class, as near to
  people whom the model was trained on as to others, as the last table shows for overfitted models of ten classes.
"""


def page(rows: list[dict], near: list) -> str:
    """The tables as Markdown."""
    lines = [TEXT, '| noise | seed | epsilon | accuracy on members | first [95 % interval over people] | median rank |']
    lines.append('|--:|--:|--:|--:|--:|--:|')
    for row in rows:
        named, epsilon = row['named'], '' if row['epsilon'] is None else f'{row["epsilon"]:.1f}'
        first = f'{named.first:.3f} [{named.lower:.3f}, {named.upper:.3f}]'
        cells = [f'{row["noise"]:g}', str(row['seed']), epsilon, f'{row["accuracy"]:.3f}', first]
        lines.append(f'| {" | ".join([*cells, f"{np.median(named.ranks):g}"])} |')
    lines += ['', '| classes of many, seed | nearest member | nearest non-member | difference |', '|--:|--:|--:|--:|']
    for seed, one in enumerate(near):
        lines.append(f'| {seed} | {one.members:.3f} | {one.non_members:.3f} | {one.difference:+.3f} |')
    return '\n'.join([*lines, ''])


def draw(rows: list[dict], path: Path) -> None:
    """Draws the people of the first seed and what each model shows of them."""
    from privacy_component.inversion import draw_reconstructions

    of_seed = [row for row in rows if row['seed'] == rows[0]['seed']]
    titles = {f'noise {row["noise"]:g}' if row['noise'] else 'undefended': row['found'][:NUM_DRAWN] for row in of_seed}
    draw_reconstructions({'the person': of_seed[0]['own'][:NUM_DRAWN], **titles}, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seeds', type=int, default=SEEDS)
    parser.add_argument('--folder', type=Path, default=DOCS, help='where the page and the picture go')
    arguments = parser.parse_args()
    os.environ.update({'TF_CPP_MIN_LOG_LEVEL': '3', 'CUDA_VISIBLE_DEVICES': ''})
    (images, classes), rows = pictures(), []
    for noise in NOISES:
        for seed in range(arguments.seeds):
            rows.append({'seed': seed} | measured(images, noise, seed))
            print(f'noise {noise:g}, seed {seed}: {rows[-1]["named"]}', flush=True)
    near = [classes_measured(images, classes, seed) for seed in range(arguments.seeds)]
    (arguments.folder / 'inversion.md').write_text(page(rows, near))
    draw(rows, arguments.folder / 'inversion.png')


if __name__ == '__main__':
    main()
