"""Results to make reports of."""

import dataclasses

import numpy as np

from privacy_component import PrivacyConfig, SlicingSpec, Threshold, evaluate_privacy
from privacy_component.config.thresholds import SAFETY_NOT_SHOWN
from privacy_component.evaluation.result import PrivacyResult

CHANGE = Threshold('auc', absolute=0.02)
NASTY = (
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(2)>',
    "' onmouseover='alert(3)",
    '</svg></style></script><b>out</b>',
    'id="worst" $\\frac{1}{2}$ url(#a)',
    'line one\nVerdict: BLESSED\r\x1b[31m',
    '\u202egnp.exe\x00',
    '{{ 7 * 7 }}{% raw %}',
    'Überfahrt 東京 🚕 İ',
)


def evaluated(shift, values=('Cash', 'Card', 'Mobile'), n=3000, thresholds=None, baseline=None, **settings):
    """A result whose members' right logits are `shift` larger, sliced by a feature `kind` that takes these values.

    Those of a baseline model are `baseline` larger, if that is given.
    """
    rng = np.random.default_rng(7)
    labels = rng.integers(0, 3, 2 * n)
    is_member = np.arange(2 * n) < n
    logits = rng.normal(size=(2 * n, 3))
    theirs = logits.copy()
    logits[np.arange(2 * n), labels] += 1 + shift * is_member
    theirs[np.arange(2 * n), labels] += 1 + (baseline or 0.0) * is_member
    kinds = np.array(values, dtype=object)[np.arange(2 * n) % len(values)].astype(str)
    thresholds = (Threshold('auc', 0.6),) if thresholds is None else thresholds
    config = PrivacyConfig(thresholds=thresholds, **settings)
    return evaluate_privacy(
        is_member=is_member,
        labels=labels,
        logits=logits,
        baseline_logits=None if baseline is None else theirs,
        features={'kind': kinds},
        config=config,
    )


def renamed(result, values=NASTY):
    """The result with its slices named by `values`, in results and comparisons; arrays of text lose NULs."""
    keys = {one.slice_key for one in result.results if one.slice_key and one.slice_key[0][0] == 'kind'}
    names = dict(zip(sorted(keys), values, strict=True))
    return with_keys(result, {key: (('kind', name),) for key, name in names.items()})


def with_keys(result, keys):
    """The result with slice keys replaced."""
    results = [dataclasses.replace(one, slice_key=keys.get(one.slice_key, one.slice_key)) for one in result.results]
    comparisons = [
        dataclasses.replace(c, slice_key=keys.get(c.slice_key, c.slice_key)) for c in result.verdict.comparisons
    ]
    verdict = dataclasses.replace(result.verdict, comparisons=tuple(comparisons))
    return dataclasses.replace(result, results=tuple(results), verdict=verdict)


def of_size(result, num_slices, num_attacks):
    """A result with the figures of one slice under so many names, beside those of all examples."""
    overall = [one for one in result.results if not one.slice_key][:1]
    slice_of = next(one for one in result.results if one.slice_key)
    keys = [(), *((('hour', i),) for i in range(num_slices))]
    attacks = [f'attack_{i}_threshold' for i in range(num_attacks)]
    by_key = {key: (slice_of if key else overall[0]) for key in keys}
    compared = {(c.slice_key, c.attack): c for c in result.verdict.comparisons}
    results = [dataclasses.replace(by_key[key], slice_key=key, attack=attack) for key in keys for attack in attacks]
    comparisons = [
        dataclasses.replace(compared[by_key[key].slice_key, by_key[key].attack], slice_key=key, attack=attack)
        for key in keys
        for attack in attacks
    ]
    verdict = dataclasses.replace(result.verdict, comparisons=tuple(comparisons))
    return dataclasses.replace(result, results=tuple(results), verdict=verdict)


def one_sided():
    """A result with a slice that has no non-members at all."""
    rng = np.random.default_rng(1)
    is_member = np.arange(400) < 200
    kinds = np.where(is_member & (np.arange(400) < 60), 'only members', 'both')
    specs = (SlicingSpec(('kind',)),)
    config = PrivacyConfig(
        thresholds=(Threshold('auc', 0.6),), slicing_specs=specs, people={'min_reported_examples': 0}
    )
    return evaluate_privacy(
        is_member=is_member,
        labels=rng.integers(0, 2, 400),
        logits=rng.normal(size=(400, 2)),
        features={'kind': kinds},
        config=config,
    )


def without_verdict(result):
    """The same figures, never judged."""
    return PrivacyResult(result.results)


KINDS = {
    'report only': lambda: evaluated(shift=1.5, thresholds=(), report_only=True),
    'suppressed': lambda: evaluated(shift=0.0, values=tuple(map(str, range(60))), n=300),
    'empty': lambda: PrivacyResult(()),
    'no verdict': lambda: without_verdict(evaluated(shift=1.5)),
    'no comparisons': lambda: evaluated(shift=1.5, thresholds=()),
    'one-sided': one_sided,
    'tiny': lambda: evaluated(shift=0.0, n=20),
    'diagnostic': lambda: evaluated(shift=0.0, slices={'by_loss_percentile': True}, people={'num_most_vulnerable': 5}),
    'no upper limit': lambda: evaluated(shift=1.5, thresholds=(Threshold('gdp_mu', 0.1),)),
    'change': lambda: evaluated(shift=1.0, baseline=0.5, thresholds=(CHANGE, Threshold('auc', 0.9))),
    'safety': lambda: evaluated(shift=0.0, thresholds=(Threshold('auc', 0.7, block_if=SAFETY_NOT_SHOWN),)),
}
