"""Sums of floating-point numbers that are the same bits in any order and partition: fixed-point digits, added up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from privacy_component.errors import PrivacyInputError

# Digits of 32 bits in 64: two billion of them add up without an overflow.
_EXPONENTS = (32, 0, -32, -64, -96)
_LARGEST = 2.0**62


def digits(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """(n, 5) digits of (n,) numbers, to be added up as integers.

    Exact for numbers of 2^-44 to 2^62 in size: what is larger counts as 2^62, and nothing below 2^-96 is kept.

    Raises:
      PrivacyInputError: a number is NaN.
    """
    missing = int(np.count_nonzero(np.isnan(values)))
    if missing:
        raise PrivacyInputError(f'{missing} of {len(values)} scores are NaN: an attack must score every example.')
    rest = np.clip(np.asarray(values, np.float64), -_LARGEST, _LARGEST)
    result = np.empty((len(rest), len(_EXPONENTS)), np.int64)
    for column, exponent in enumerate(_EXPONENTS):
        digit = np.trunc(np.ldexp(rest, -exponent))
        rest = rest - np.ldexp(digit, exponent)
        result[:, column] = digit
    return result


def as_floats(sums: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n,) numbers from (n, 5) sums of digits; the smallest digits are added first."""
    total = np.zeros(len(sums))
    for column in reversed(range(len(_EXPONENTS))):
        total += np.ldexp(sums[:, column].astype(np.float64), _EXPONENTS[column])
    return total


def exact_sum(values: NDArray[np.float64]) -> int:
    """The sum of (n,) numbers in units of 2^-96, a whole number of any size; `from_units` is its inverse."""
    return _units(digits(values).sum(axis=0).tolist())


def exact_sums(terms: NDArray[np.int64], codes: NDArray, num_sums: int) -> list[int]:
    """The sums of the numbers with each code in [0, num_sums), in the same units.

    Args:
      terms: (n, 5) the numbers' digits.
      codes: (n,) the sum that a number is added to.
      num_sums: how many sums there are.
    """
    order = np.argsort(codes, kind='stable')
    present, starts = np.unique(codes[order], return_index=True)
    sums = np.zeros((num_sums, len(_EXPONENTS)), np.int64)
    sums[present] = np.add.reduceat(terms[order], starts)
    return [_units(row) for row in sums.tolist()]


def from_units(units: int) -> float:
    """The number nearest to a sum in units of 2^-96."""
    return units / 2 ** -_EXPONENTS[-1]


def _units(sums: list[int]) -> int:
    return sum(digit << (exponent - _EXPONENTS[-1]) for digit, exponent in zip(sums, _EXPONENTS, strict=True))
