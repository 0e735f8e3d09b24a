"""Are the reference models what attacks take them for: trained on their halves, and as the audited model was?"""

from __future__ import annotations

import numpy as np

from privacy_component.checks.check import REFUSE, CheckInfo, DoesNotApply, Finding
from privacy_component.checks.evidence import Evidence, ReferenceFigures

# Standard deviations of what chance does to a model that knows both halves equally: 3 in 100,000 are beyond.
_FARTHEST_BELOW = 4.0
# Of pairs that models may tell beyond one half, though they know neither: less would not hide a leak above any limit.
_LEAST_TOLD = 0.02
# Reference models differ from one another by their halves and seeds; the audited model may by twice as much, and a bit.
_MOST_SPREADS, _MOST_BESIDE = 2.0, 0.05
_SIDES = ('examples that it was not trained on', 'examples that it was trained on')


def know_their_halves(evidence: Evidence) -> Finding | str:
    """Whether a reference model does worse on the half that it was trained on, or says just what another says."""
    seen = evidence.references
    if isinstance(seen, str):
        return seen
    wrong = [number + 1 for number, one in enumerate(_standard_scores(seen)) if one < -_FARTHEST_BELOW]
    said = []
    if wrong:
        said.append(
            f'Reference model {wrong[0]} does worse on its own half of the examples than on the other (of a pair of '
            f'examples it tells which it was trained on in {seen.areas[wrong[0] - 1]:.1%} of cases): it was trained on '
            'the wrong half.'
        )
    if seen.repeated:
        one, other = (number + 1 for number in seen.repeated[0])
        said.append(
            f'Reference models {one} and {other} give the same answers to the last bit: they were not trained '
            'on the files that they were given.'
        )
    if _know_the_members(seen):
        said.append(
            'The reference models know their own halves no better than the others, but do better on members than '
            'on non-members that they were not trained on (of a pair they tell the member in '
            f'{np.mean(seen.strangers):.1%} of cases): the module trains on other files than those that it is given, '
            'or members and non-members differ.'
        )
    if said:
        said.append('Attacks by reference models say nothing then: train them again.')
    told = np.mean(seen.areas)
    message = ' '.join(said) or (
        f'Each of {len(seen.areas)} reference models knows its own half no worse than the other; of a pair of examples '
        f'they tell which they were trained on in {told:.1%} of cases on average.'
    )
    return Finding(bool(said), message, {'mean_area': float(told), 'smallest_area': min(seen.areas)})


def same_recipe(evidence: Evidence) -> Finding | str:
    """Whether the audited model's signals are distributed as those of the reference models are."""
    seen = evidence.references
    if isinstance(seen, str):
        return seen
    allowed = [_MOST_SPREADS * s + _MOST_BESIDE + n for s, n in zip(seen.spreads, seen.noise, strict=True)]
    apart = [
        f'{distance:.2f} on {side} (of each other they are at most {spread:.2f})'
        for distance, spread, most, side in zip(seen.distances, seen.spreads, allowed, _SIDES, strict=True)
        if distance > most
    ]
    figures = {'distance_non_members': seen.distances[0], 'distance_members': seen.distances[1]}
    if not apart:
        return Finding(False, 'The model stands to its examples as the reference models stand to theirs.', figures)
    return Finding(
        True,
        "The model's losses are not distributed as those of the reference models: the distance of the two "
        f'(Kolmogorov-Smirnov) is {" and ".join(apart)}. They were trained by another recipe (module, custom_config, '
        'steps, or data), so an attacker who knows the right one finds more than is found here: train them again as '
        'the model was trained.',
        figures,
    )


def _know_the_members(seen: ReferenceFigures) -> bool:
    """Whether all models together know the members, and not their halves."""
    num_models = len(seen.areas)
    sizes = zip(seen.num_known, seen.num_unknown, strict=True)
    sd = np.mean([np.sqrt((n + m + 1) / (12 * max(n, 1) * max(m, 1))) for n, m in sizes])
    # All models see the same examples, so that their areas of members do not average out.
    tells_members = np.mean(seen.strangers) - 0.5 > max(_FARTHEST_BELOW * 2 * sd, _LEAST_TOLD)
    return bool(tells_members and np.mean(seen.areas) - 0.5 < _FARTHEST_BELOW * sd / np.sqrt(num_models))


def _standard_scores(seen: ReferenceFigures) -> list[float]:
    """How far each area is above one half, in standard deviations where memberships say nothing (Mann-Whitney)."""
    sizes = zip(seen.num_known, seen.num_unknown, strict=True)
    deviations = [np.sqrt((n + m + 1) / (12 * max(n, 1) * max(m, 1))) for n, m in sizes]
    return [float((area - 0.5) / sd) for area, sd in zip(seen.areas, deviations, strict=True)]


NO_REFERENCES = DoesNotApply('No attack with reference models is configured.')

REFERENCE_HALVES = CheckInfo(
    look=know_their_halves,
    default=REFUSE,
    meaning='A reference model that was not trained on its half of the examples makes attacks by reference models '
    'blind.',
)
REFERENCE_RECIPE = CheckInfo(
    look=same_recipe,
    default=REFUSE,
    meaning='Reference models of another recipe make attacks by reference models weaker than an attacker would be who '
    'knows how the model was trained.',
)
