"""CPU seconds, memory and false alarms beside TF Privacy's, measured in one run.

    python benchmarks/core.py                      # all cases
    python benchmarks/core.py threshold scale      # some; the others keep their figures in results/core.json
    python benchmarks/core.py trained --only mlp   # of a group, the cases that name this

Every figure is from a process of its own with one thread; CPU seconds count the evaluation only, not imports or the
making of the data, and are the median of the repeats. Peak memory is the process's, data and imports included.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from core_report import chart, table
from measured_at import commit

RESULTS = Path(__file__).parent / 'results'
CLASSES = 10
LEARNERS = {'logistic_regression': 'lr', 'k_nearest_neighbors': 'knn', 'mlp': 'mlp', 'random_forest': 'rf'}
SCALES = (10_000, 100_000, 1_000_000, 10_000_000)
NULL_SIZES = {50: 400, 1000: 400, 20_000: 60}  # examples a side: how often to repeat
ONE_THREAD = {f'{name}_NUM_THREADS': '1' for name in ('OMP', 'OPENBLAS', 'MKL')}


def cases() -> dict[str, list[str]]:
    """Child commands by group."""
    return {
        'threshold': ['threshold ours 1000000', 'threshold theirs 1000000'],
        'trained': [f'trained {who} {name}' for name in LEARNERS for who in ('ours', 'theirs')],
        'scale': [f'threshold ours {n}' for n in SCALES],
        'epsilon': [f'epsilon both {n}' for n in NULL_SIZES],
    }


def side(
    rng: np.random.Generator, n: int, easy: float, hard: float, share_hard: float
) -> tuple[np.ndarray, np.ndarray]:
    """Logits (n, 10) float32 and labels (n,) of a classifier that is surer of some examples than of others."""
    labels = rng.integers(0, CLASSES, n)
    logits = rng.standard_normal((n, CLASSES), dtype=np.float32)
    margins = np.where(rng.random(n) < share_hard, hard, easy) + 1.5 * rng.standard_normal(n)
    logits[np.arange(n), labels] += margins.astype(np.float32)
    return logits, labels


def make_data(n: int) -> tuple[np.ndarray, ...]:
    """Logits and labels of n members and n non-members."""
    rng = np.random.default_rng(20240601)
    return (*side(rng, n, 5.0, 1.5, 0.10), *side(rng, n, 4.0, 0.0, 0.20))


def measured(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `work` returns, its CPU seconds, and the process's peak memory in MB."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    figures = work()
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {'cpu_seconds': seconds, 'peak_mb': peak / 1024, 'peak_above_data_mb': (peak - before) / 1024, **figures}


def evaluate_ours(n: int, attacks: tuple[str, ...], sliced: bool) -> dict[str, Any]:
    """Our evaluation; sliced: 23 slices."""
    from privacy_component import PrivacyConfig, evaluate_privacy

    member_logits, member_labels, other_logits, other_labels = make_data(n)
    logits, labels = np.concatenate([member_logits, other_logits]), np.concatenate([member_labels, other_labels])
    del member_logits, other_logits
    config = PrivacyConfig(
        attacks=attacks,
        slices={'by_class': sliced, 'by_correctness': sliced, 'by_loss_percentile': sliced},
    )

    def work() -> dict[str, Any]:
        result = evaluate_privacy(is_member=np.arange(2 * n) < n, labels=labels, logits=logits, config=config)
        return {'rows': len(result.results), 'auc': result.rows()[0]['auc']}

    return measured(work)


def evaluate_theirs(n: int, attacks: list[str], sliced: bool) -> dict[str, Any]:
    """TF Privacy's evaluation of the same data."""
    sys.skip_tf_privacy_import = True
    from tensorflow_privacy.privacy.privacy_tests.membership_inference_attack import (
        data_structures,
        membership_inference_attack,
    )

    data = dict(zip(('logits_train', 'labels_train', 'logits_test', 'labels_test'), make_data(n), strict=True))
    given = data_structures.AttackInputData(**data)
    slices = data_structures.SlicingSpec(
        entire_dataset=True, by_class=sliced, by_percentiles=sliced, by_classification_correctness=sliced
    )
    types = [data_structures.AttackType(name) for name in attacks]

    def work() -> dict[str, Any]:
        np.random.seed(0)  # noqa: NPY002 (the trained attackers draw from the global state)
        results = membership_inference_attack.run_attacks(given, slices, types, backend='threading')
        rows = results.single_attack_results
        return {'rows': len(rows), 'auc': float(rows[0].get_auc())}

    return measured(work)


def false_alarms(n: int) -> dict[str, Any]:
    """How often an epsilon above 0 is 'shown at 95 %' where members and non-members are drawn alike."""
    sys.skip_tf_privacy_import = True
    from tensorflow_privacy.privacy.privacy_tests import epsilon_lower_bound as theirs
    from tensorflow_privacy.privacy.privacy_tests.membership_inference_attack.data_structures import EPSILON_METHODS

    from privacy_component.metrics.counts import roc
    from privacy_component.metrics.curve import summarize
    from privacy_component.metrics.epsilon import empirical_epsilon

    rng, found = np.random.default_rng(0), {'ours': 0, 'theirs': 0}
    is_member = np.arange(2 * n) < n
    for _ in range(NULL_SIZES[n]):
        scores = rng.standard_normal(2 * n)
        curve = summarize(roc.count_scores(roc.score_keys(scores), is_member))
        found['ours'] += empirical_epsilon(curve, 0.05) > 0
        bound = theirs.EpsilonLowerBound(scores[:n], scores[n:], alpha=0.05, two_sided_threshold=True)
        bounds = bound.compute_epsilon_lower_bounds(methods=EPSILON_METHODS, k=1).values()
        found['theirs'] += max((float(b[0]) for b in bounds if b.size), default=0.0) > 0
    return {'runs': NULL_SIZES[n], **{f'{who}_false_alarm_rate': count / NULL_SIZES[n] for who, count in found.items()}}


def child(kind: str, who: str, what: str) -> dict[str, Any]:
    """One figure, in this process."""
    if kind == 'epsilon':
        return false_alarms(int(what))
    if kind == 'trained':
        return (
            evaluate_ours(10_000, (what,), False) if who == 'ours' else evaluate_theirs(10_000, [LEARNERS[what]], False)
        )
    if who == 'ours':
        return evaluate_ours(int(what), ('loss_threshold', 'modified_entropy_threshold'), True)
    return evaluate_theirs(int(what), ['threshold', 'threshold-entropy'], True)


def chosen(groups: list[str], only: list[str]) -> list[str]:
    """The cases of the groups, each once; of them only those with one of the given words, if there are any."""
    wanted = dict.fromkeys(case for group in groups for case in cases()[group])
    return [case for case in wanted if not only or set(only) & set(case.split())]


def run(case: str, repeats: int) -> dict[str, Any]:
    """The medians of a case over processes of its own; slow cases run once."""
    found: list[dict[str, Any]] = []
    while len(found) < repeats and not (found and found[0].get('cpu_seconds', 1e9) > 60):
        command = [sys.executable, '-W', 'ignore', __file__, '--child', case]
        done = subprocess.run(command, env=os.environ | ONE_THREAD, check=True, stdout=subprocess.PIPE, text=True)
        found.append(json.loads(done.stdout.splitlines()[-1]))
    medians = {name: statistics.median(one[name] for one in found) for name in found[0]}
    return medians | {'repeats': len(found), 'commit': commit()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('groups', nargs='*', default=list(cases()), help=f'of {", ".join(cases())}')
    parser.add_argument('--only', nargs='*', default=[], help='of these groups, only cases with one of these words')
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument('--child', help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(child(*arguments.child.split())))
        return
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / 'core.json'
    figures = json.loads(path.read_text()) if path.exists() else {}
    for case in chosen(arguments.groups, arguments.only):
        figures[case] = run(case, arguments.repeats)
        print(case, figures[case], flush=True)
        path.write_text(json.dumps(figures, indent=1))
        (RESULTS / 'core.md').write_text(table(figures))
    chart(figures, RESULTS / 'core.svg')


if __name__ == '__main__':
    main()
