"""An empty picture for a file, by the ending of its name."""

from __future__ import annotations

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from privacy_component.errors import PrivacyInputError

_CANVASES = {'.png': FigureCanvasAgg, '.svg': FigureCanvasSVG}


def check_kind(path: Path) -> None:
    """Raises PrivacyInputError for a file that is neither .png nor .svg."""
    if path.suffix not in _CANVASES:
        raise PrivacyInputError(f'{path} is a picture of no known kind: end its name in .png or .svg.')


def empty_figure(path: Path, width: float, height: float) -> Figure:
    """A figure of so many inches that can be saved as the file."""
    figure = Figure(figsize=(width, height), layout='constrained')
    _CANVASES[path.suffix](figure)
    return figure
