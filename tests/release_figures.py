"""The figures of this release on fixed arrays. After a new version number: python -m tests.release_figures"""

import json
import re

from privacy_component import PrivacyConfig, __version__, evaluate_privacy
from tests import synthetic
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


def figures() -> dict:
    """Every metric of these attacks on all examples: value, lower and upper."""
    observations, references = synthetic.observations(n=300, shift=0.7), synthetic.reference_outputs(n=300, shift=0.7)
    result = evaluate_privacy(
        is_member=observations.is_member,
        labels=observations.labels,
        logits=observations.outputs,
        reference_logits=references,
        reference_is_member=observations.columns['reference_is_member'].T,
        signals={'gradient_norm': observations.columns['gradient_norm']},
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
