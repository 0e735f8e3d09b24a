"""What scoring with reference models costs: ours beside an RMIA by its n x m matrix, on the same arrays.

python benchmarks/reference_cost.py; each in a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

N, NUM_MODELS = 20_000, 16
RESULTS = Path(__file__).parent / 'results' / 'reference_cost.md'


def arrays() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Signals of the audited model (n,) and of K reference models (n, K), who is a member, and who knows whom."""
    rng = np.random.default_rng(0)
    is_member = rng.random(N) < 0.5
    halves = [rng.random(N) < 0.5 for _ in range(NUM_MODELS // 2)]
    knows = np.stack([half == first for half in halves for first in (True, False)], axis=1)
    level = 2 * rng.standard_normal(N)
    target = level + is_member + rng.standard_normal(N)
    return target, level[:, None] + knows + rng.standard_normal((N, NUM_MODELS)), is_member, knows


def ours(attack: str) -> Callable[[], np.ndarray]:
    """An attack of this package."""
    from privacy_component.attacks import attack_named
    from privacy_component.observations.observations import Observations

    target, references, is_member, knows = arrays()
    columns = {'reference_signals': references, 'reference_is_member': knows}
    outputs = np.column_stack([np.zeros(N), target])
    seen = Observations(is_member, np.arange(N, dtype=np.uint64), np.ones(N, int), outputs, columns=columns)
    info = attack_named(attack)
    return lambda: info.fit(seen).score(seen)


def by_matrix() -> Callable[[], np.ndarray]:
    """The published score: of each x, the share of all z with ratio(x) >= ratio(z), from the n x m matrix of ratios."""
    target, references, _, knows = arrays()

    def score() -> np.ndarray:
        p, q = 1 / (1 + np.exp(-target)), 1 / (1 + np.exp(-references))
        marginal = ((q * knows).sum(1) / knows.sum(1) + (q * ~knows).sum(1) / (~knows).sum(1)) / 2
        ratio = p / marginal
        return np.mean(ratio[:, None] / ratio[None, :] >= 1.0, axis=1)

    return score


def measured(name: str) -> dict[str, float]:
    """CPU seconds and MB beyond what was there before, in this process."""
    score = by_matrix() if name == 'matrix' else ours(name)
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    score()
    spent = time.process_time() - started
    return {'cpu': spent, 'mb': (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024}


def main() -> None:
    """Measures each three times and keeps the median."""
    lines = ['| scoring | CPU seconds | MB beside the arrays |', '|---|--:|--:|']
    for name in ('matrix', 'rmia', 'lira', 'bayes', 'stacked'):
        runs = [json.loads(subprocess.check_output([sys.executable, __file__, name])) for _ in range(3)]
        cpu, mb = (float(np.median([run[key] for run in runs])) for key in ('cpu', 'mb'))
        title = 'RMIA by its n x m matrix' if name == 'matrix' else f'`{name}`'
        lines.append(f'| {title} | {cpu:.3f} | {mb:,.0f} |')
    head = f'# Scoring {N:,} examples with {NUM_MODELS} reference models\n\nMedians of three processes on one core.\n\n'
    RESULTS.write_text(head + '\n'.join(lines) + '\n', encoding='utf-8')
    print(RESULTS.read_text(encoding='utf-8'))


if __name__ == '__main__':
    if len(sys.argv) > 1:
        print(json.dumps(measured(sys.argv[1])))
    else:
        main()
