"""Prints the lowest versions that setup.py allows, with and without the named extras, as requirements for pip."""

import importlib.metadata
import sys

from packaging.requirements import Requirement


def lowest(requirement: Requirement) -> str:
    """`numpy==1.23` of `numpy>=1.23`."""
    (bound,) = (one for one in requirement.specifier if one.operator == '>=')
    return f'{requirement.name}=={bound.version}'


def main(extras: list[str]) -> None:
    """Reads what the installed project says."""
    for text in importlib.metadata.requires('privacy-component') or ():
        requirement = Requirement(text)
        if requirement.marker is None or any(requirement.marker.evaluate({'extra': extra}) for extra in extras):
            print(lowest(requirement))


if __name__ == '__main__':
    main(sys.argv[1:])
