"""Which weights of a SavedModel belong to one layer."""

from __future__ import annotations

from collections.abc import Sequence


def layers_of(names: Sequence[str], ranks: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """The positions of the weights of each layer, in the order in which the layers come first.

    Keras 2 names weights by their layers, 'dense/kernel:0'. Keras 3 and tf.Module may not: then a layer begins with
    every matrix, which is followed by its bias and the scales after it, and where a name comes again.

    Args:
      names: of the weights.
      ranks: of their shapes.

    >>> layers_of(['dense/kernel:0', 'dense/bias:0', 'dense_1/kernel:0'], [2, 1, 2])
    ((0, 1), (2,))
    >>> layers_of(['embeddings', 'kernel', 'bias', 'kernel', 'bias', 'bias'], [2, 2, 1, 2, 1, 1])
    ((0,), (1, 2), (3, 4), (5,))
    """
    layers: dict[str, list[int]] = {}
    seen: set[str] = set()
    number = 0
    for position, (name, rank) in enumerate(zip(names, ranks, strict=True)):
        layer, slash, _ = name.rpartition('/')
        if not slash:
            if name in seen or (rank > 1 and seen):
                number, seen = number + 1, set()
            seen.add(name)
            layer = f'unnamed {number}'
        layers.setdefault(layer, []).append(position)
    return tuple(map(tuple, layers.values()))
