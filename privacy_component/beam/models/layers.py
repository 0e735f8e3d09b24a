"""Which weights of a SavedModel belong to one layer."""

from __future__ import annotations

from collections.abc import Sequence


def layers_of(names: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """The positions of the weights of each layer, in the order in which the layers come first.

    Keras 2 names weights by their layers, 'dense/kernel:0'; others, as Keras 3, may not, and then a layer begins where
    a name comes again.

    >>> layers_of(['dense/kernel:0', 'dense/bias:0', 'dense_1/kernel:0'])
    ((0, 1), (2,))
    >>> layers_of(['kernel', 'bias', 'kernel', 'bias'])
    ((0, 1), (2, 3))
    """
    layers: dict[str, list[int]] = {}
    seen: set[str] = set()
    number = 0
    for position, name in enumerate(names):
        layer, slash, _ = name.rpartition('/')
        if not slash:
            if name in seen:
                number, seen = number + 1, set()
            seen.add(name)
            layer = f'unnamed {number}'
        layers.setdefault(layer, []).append(position)
    return tuple(map(tuple, layers.values()))
