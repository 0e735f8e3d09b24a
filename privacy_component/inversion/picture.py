"""Reconstructions as a picture, beside the inputs that they are of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from privacy_component.errors import PrivacyInputError
from privacy_component.report.canvas import check_kind, empty_figure


def draw_reconstructions(rows: Mapping[str, ArrayLike], path: str | Path) -> Path:
    """Draws a row of images for each title, and returns the path.

    Args:
      rows: title -> images (k, height, width) or (k, height, width, 3); as many in each row.
      path: a .png or .svg file to write.

    Raises:
      PrivacyInputError: nothing to draw, other shapes, or another kind of file.
    """
    file = Path(path)
    check_kind(file)
    images = {title: np.asarray(row) for title, row in rows.items()}
    counts = {row.shape[0] for row in images.values() if row.ndim in (3, 4)}
    if len(counts) != 1 or any(row.ndim not in (3, 4) for row in images.values()):
        shapes = ', '.join(f'{title}: {row.shape}' for title, row in images.items())
        raise PrivacyInputError(
            f'rows have shapes {shapes or "of nothing"}; give (k, height, width) of one k, reshaped if need be.'
        )
    (count,) = counts
    figure = empty_figure(file, 1.0 * count + 2.2, 1.05 * len(images))
    grid = figure.subplots(len(images), count, squeeze=False)
    for line, (title, row) in zip(grid, images.items(), strict=True):
        line[0].set_ylabel(title, rotation=0, ha='right', va='center', fontsize=9)
        for axes, image in zip(line, row, strict=True):
            axes.imshow(image, cmap='gray', vmin=0, vmax=1)
            axes.set(xticks=[], yticks=[])
    figure.savefig(file, dpi=110)
    return file
