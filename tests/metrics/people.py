"""People of different sizes, whose rows are alike; if asked for, with a leak in every row of a member."""

import numpy as np

# Rows of AUC 0.583: 0.331 over the spread of both, sqrt(2 * (1 + 0.5^2)), is the normal quantile of that.
LEAK = 0.331
ALIKE = 0.5


def people(rng, members, others, leak=0.0):
    """Skewed scores, memberships and people of the rows, given how many rows each person has."""
    sizes = np.concatenate([members, others])
    person = np.repeat(np.arange(len(sizes)), sizes)
    return rows_of(rng, person, person < len(members), leak)


def rows_of(rng, person, is_member, leak=0.0):
    own = ALIKE * rng.standard_normal(person.max() + 1)
    scores = -np.exp(-(rng.standard_normal(len(person)) + own[person] + leak * is_member))
    return scores, is_member, person.astype(np.uint64)


def twice_the_rows(rng, n, leak=0.0):
    """Split by person; members have twice the rows."""
    return people(rng, 1 + rng.poisson(8, n), 1 + rng.poisson(4, n), leak)


def by_record(rng, n, leak=0.0):
    """Split by record, two to one: members have more rows, and many people are on both sides."""
    person = np.repeat(np.arange(3 * n), 1 + rng.poisson(1.0, 3 * n))
    return rows_of(rng, person, rng.random(len(person)) < 2 / 3, leak)


def alike(rng, n, leak=0.0):
    """Sizes drawn alike for both sides."""
    return people(rng, 1 + rng.poisson(4, n), 1 + rng.poisson(4, n), leak)
