"""CONTRIBUTING's attack, pasted as it stands, works."""

import re
import sys
import textwrap
import types
from pathlib import Path

import numpy as np

from privacy_component.metrics.counts import roc
from privacy_component.observations.observations import Observations

TEXT = (Path(__file__).parents[1] / 'CONTRIBUTING.md').read_text()


def pasted() -> types.ModuleType:
    """The file of step 1 as a module."""
    code = textwrap.dedent(re.search(r'   ```python\n(.*?)   ```', TEXT, re.DOTALL)[1])
    module = types.ModuleType('sureness')
    sys.modules['sureness'] = module
    exec(compile(code, 'sureness.py', 'exec', dont_inherit=True), module.__dict__)
    return module


def test_the_attack_of_the_guide_finds_a_planted_shift():
    observations = planted()
    scores = pasted().sureness_attack().make().fit(observations).score(observations)
    assert scores.shape == (len(observations),)
    assert roc.auc(roc.count_scores(roc.score_keys(scores), observations.is_member)) > 0.6


def planted() -> Observations:
    """Members about whom the model is surer."""
    rng = np.random.default_rng(0)
    is_member = np.arange(2000) < 1000
    logits, labels = rng.standard_normal((2000, 5)), rng.integers(0, 5, 2000)
    logits[np.arange(2000), labels] += 2 + 2 * is_member
    return Observations(is_member, np.arange(2000, dtype=np.uint64), labels, logits)
