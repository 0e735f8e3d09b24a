"""What each role in federated averaging can tell of a party's examples: python -m pipelines.federated.

Four parties hold a few hundred taxi trips each and train a network on the census tract in which a trip ends. The first
party's trips are told from trips that nobody holds, by what an outsider, another party and the server see, and by what
the two do who do not only look. Writes docs/federated.md and docs/federated.png. The trips come from the tfx wheel.
Takes some minutes.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pipelines.defences import DOCS, tracts
from pipelines.federated import attacks
from pipelines.federated.simulation import Parties, Recipe, Rounds, federate

PARTIES, EXAMPLES = 4, 900
RECIPE = Recipe(units=(128,), rounds=25, epochs=1, rate=0.1, dropout=0.3)
SCORES = ('loss', 'alignment')


@dataclasses.dataclass(frozen=True)
class View:
    """What one role sees, of a federation in which it may have done more than look."""

    title: str
    score: Callable[[Parties, Rounds], dict[str, np.ndarray]]
    how: dict = dataclasses.field(default_factory=dict)


VIEWS = (
    View('outsider: global models', attacks.outsider),
    View('participant: global models, less its own part', attacks.participant),
    View("server: the party's uploads", attacks.server),
    View('server isolates the party', attacks.server, {'is_isolated': True}),
    View('server, gradient ascent, step 1', attacks.ascent_of_server, {'ascent': 1.0}),
    View('server, gradient ascent, step 5', attacks.ascent_of_server, {'ascent': 5.0}),
    View('participant, gradient ascent, step 1', attacks.participant, {'ascent': 1.0, 'ascends': 'participant'}),
)


def drawn(seed: int, x: np.ndarray, labels: np.ndarray) -> Parties:
    """Parties of as many examples each, and as many that nobody holds."""
    order = np.random.default_rng(seed).permutation(len(labels))[: (PARTIES + 1) * EXAMPLES]
    parts = [(x[rows], labels[rows]) for rows in np.split(order, PARTIES + 1)]
    return Parties(tuple(parts[:-1]), parts[-1])


def measured(parties: Parties, recipe: Recipe, seed: int, views=VIEWS) -> dict[str, dict[str, float]]:
    """For each view the AUC and the TPR at 1 % FPR by each score, and what is left of the test accuracy."""
    from sklearn.metrics import roc_auc_score, roc_curve

    done: dict[str, Rounds] = {}
    found = {}
    for view in views:
        rounds = done.get(str(view.how)) or federate(parties, recipe, seed, **view.how)
        done = {str(view.how): rounds}  # one federation is kept, which the next view may be of too
        row = {'accuracy': attacks.accuracy(parties, rounds.averaged[-1])}
        row['upload_accuracy'] = attacks.accuracy(parties, rounds.uploads[-1][0])
        for name, scores in view.score(parties, rounds).items():
            false, true, _ = roc_curve(parties.is_member, scores)
            row[f'{name}_auc'] = float(roc_auc_score(parties.is_member, scores))
            row[f'{name}_tpr'] = float(true[false <= 0.01].max())
        found[view.title] = row
    return found


def page(found: list[dict[str, dict[str, float]]]) -> str:
    """The table, of one dict for each seed."""
    lines = [
        '# What a federation gives away',
        '',
        f'Made by `python -m pipelines.federated`: {PARTIES} parties of {EXAMPLES} taxi trips each, {RECIPE.rounds} '
        'rounds of federated averaging of a network with dropout for the census tract in which a trip ends (229 '
        "classes). An attacker tells the first party's trips from trips that nobody holds. AUC (and TPR at 1 % FPR), "
        f'means and ranges of {len(found)} draws of trips and first weights.',
        '',
        '![AUC by role and score](federated.png)',
        '',
        '| who | AUC by loss | AUC by alignment | TPR at 1 % FPR, loss / alignment '
        '| test accuracy, global / of the party |',
        '|---|--:|--:|--:|--:|',
    ]
    for title in found[0]:
        rows = [one[title] for one in found]
        by = [_with_range([row[f'{name}_auc'] for row in rows]) for name in SCORES]
        tpr = ' / '.join(f'{np.mean([row[f"{name}_tpr"] for row in rows]):.1%}' for name in SCORES)
        accuracy = ' / '.join(f'{np.mean([row[key] for row in rows]):.3f}' for key in ('accuracy', 'upload_accuracy'))
        lines.append(f'| {title} | {by[0]} | {by[1]} | {tpr} | {accuracy} |')
    return '\n'.join(lines) + '\n' + MEANING


MEANING = """
- **Loss**: minus the loss of the last model that the role sees. **Alignment**: in each round the inner product of an
  example's loss gradient with the step that the seen weights took, over the gradient's norm, added up over rounds. It
  is exact and needs no training ([pipelines/federated/gradients.py](../pipelines/federated/gradients.py)).
- **Isolation**: the server averages the party's weights with nobody's and gives it its own back, so that it overfits
  alone (Nasr, Shokri, Houmansadr 2019, arXiv 1812.00910, section III-C). Its alignment is weaker than its loss, because
  later steps have less to go down.
- **Gradient ascent**, as published there: before each round the weights are moved up the gradient of the mean loss of
  all trips that the attacker asks about; whoever holds one takes it down again. The harm is what test accuracy is lost.
- Each party's examples are a random part of the same data here. Where parties differ, telling parties apart is not
  telling members.
"""


def _with_range(values: list[float]) -> str:
    return f'{np.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})'


def draw(found: list[dict[str, dict[str, float]]], path: Path) -> None:
    """Draws the AUCs, a dot for each seed."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    titles = list(found[0])[::-1]
    figure = Figure(figsize=(9, 0.55 * len(titles) + 1.4), layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for name, colour, mark, shift in zip(SCORES, ('#5B6470', '#B84A00'), 'os', (0.12, -0.12), strict=True):
        points = [(one[title][f'{name}_auc'], place + shift) for place, title in enumerate(titles) for one in found]
        axes.plot(*zip(*points, strict=True), mark, color=colour, label=name, markersize=6)
    axes.axvline(0.5, color='#5B6470', linewidth=0.8, linestyle=':')
    axes.set(yticks=range(len(titles)), yticklabels=titles, xlabel="AUC: the first party's examples against nobody's")
    axes.grid(axis='x', linewidth=0.3)
    axes.legend(frameon=False, loc='upper right')
    figure.savefig(path, dpi=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seeds', type=int, default=3)
    parser.add_argument('--folder', type=Path, default=DOCS, help='where the page and the picture go')
    arguments = parser.parse_args()
    os.environ.update({'TF_CPP_MIN_LOG_LEVEL': '3', 'CUDA_VISIBLE_DEVICES': ''})
    data = tracts()
    if data is None:
        raise SystemExit('the taxi trips of the tfx wheel are not installed')
    sides = (data.members, data.reference, data.watched, data.non_members)
    x, labels = (np.concatenate(parts) for parts in zip(*sides, strict=True))
    found = []
    for seed in range(arguments.seeds):
        found.append(measured(drawn(seed, x, labels), RECIPE, seed))
        print(f'seed {seed}: {found[-1]}', flush=True)
    (arguments.folder / 'federated.md').write_text(page(found))
    draw(found, arguments.folder / 'federated.png')


if __name__ == '__main__':
    main()
