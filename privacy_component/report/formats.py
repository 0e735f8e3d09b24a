"""The forms in which a result is written, by the ending of a file's name."""

from __future__ import annotations

from pathlib import PurePath

from privacy_component.errors import PrivacyInputError
from privacy_component.evaluation.result import PrivacyResult
from privacy_component.report.html import render
from privacy_component.report.junit import junit
from privacy_component.report.model_card import model_card_json, model_card_markdown

FORMATS = {'.html': render, '.xml': junit, '.md': model_card_markdown, '.json': model_card_json}


def as_format(result: PrivacyResult, name: str) -> str:
    """The text for a file of this name.

    Raises:
      PrivacyInputError: its ending says nothing.
    """
    ending = PurePath(name).suffix.lower()
    if ending not in FORMATS:
        raise PrivacyInputError(f"'{name}' is a file of no known kind: end its name in {', '.join(FORMATS)}.")
    return FORMATS[ending](result)
