"""The figures of this release on fixed arrays. After a new version number: python -m tests.release_figures"""

import json
import re

import numpy as np

from privacy_component import PrivacyConfig, __version__, evaluate_privacy
from tests.pages import ROOT

PATH = ROOT / 'tests' / 'golden' / 'release_figures.json'
# Their figures are this package's alone: those that learn by scikit-learn may differ with its release.
ATTACKS = (
    'loss_threshold',
    'scaled_logit_threshold',
    'modified_entropy_threshold',
    'margin_threshold',
    'correctness_threshold',
    'loss_threshold_per_class',
    'entropy_threshold_per_class',
    'difficulty',
    'rmia',
    'lira',
    'bayes',
    'gradient_norm',
)


def logits_of(rng, labels, known):
    """(n, 5) of a model that is surer of the examples that it knows."""
    logits = rng.standard_normal((len(labels), 5))
    logits[np.arange(len(labels)), labels] += 2 + 0.7 * known
    return logits


def figures() -> dict:
    """Every metric of these attacks on all examples: value, lower and upper."""
    rng = np.random.default_rng(0)
    is_member, labels = np.arange(600) < 300, rng.integers(0, 5, 600)
    knows = np.array([half == is_first for half in rng.random((4, 600)) < 0.5 for is_first in (True, False)])
    result = evaluate_privacy(
        is_member=is_member,
        labels=labels,
        logits=logits_of(rng, labels, is_member),
        reference_logits=np.stack([logits_of(rng, labels, known) for known in knows]),
        reference_is_member=knows,
        signals={'gradient_norm': np.exp(rng.standard_normal(600) - 0.7 * is_member)},
        config=PrivacyConfig(attacks=ATTACKS, slices={'by_class': False}, checks={'blind_baseline': 'off'}),
    )
    return {
        one.attack: {name: [found.value, found.lower, found.upper] for name, found in one.metrics.items()}
        for one in result.measured
    }


def main() -> None:
    """Writes them, a line for each metric."""
    text = json.dumps({'version': __version__, 'figures': figures()}, indent=1)
    PATH.write_text(re.sub(r'\[\s+([^]]+?)\s+\]', lambda found: f'[{" ".join(found[1].split())}]', text) + '\n')


if __name__ == '__main__':
    main()
