"""Writes the hashes of every release file beside the pins: python requirements/hash_pins.py requirements/*.txt

What PyPI says at the time of writing is what is installed later, or nothing: pip compares. Run it when a
pin has changed.
"""

import concurrent.futures
import json
import re
import sys
import urllib.request
from pathlib import Path

PIN = re.compile(r'^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^\s\\;]+)')
JSON = 'application/vnd.pypi.simple.v1+json'
# Wheels for other Pythons are never installed; those for other machines may be, in an image.
OTHER_PYTHON = re.compile(r'-(?:cp2\d|cp3[0-9]|cp31[1-9]|pp\d+)-(?!abi3)')


def hashes(name: str, version: str) -> list[str]:
    """SHA-256 of the release's files that Python 3.10 may install, sorted."""
    request = urllib.request.Request(f'https://pypi.org/simple/{normalised(name)}/', headers={'Accept': JSON})
    with urllib.request.urlopen(request, timeout=60) as answer:
        files = json.load(answer)['files']
    wanted = [one for one in files if is_of(one['filename'], version) and not OTHER_PYTHON.search(one['filename'])]
    return sorted({one['hashes']['sha256'] for one in wanted})


def normalised(name: str) -> str:
    """The name as indexes have it (PEP 503)."""
    return re.sub(r'[-_.]+', '-', name).lower()


def is_of(file: str, version: str) -> bool:
    """Whether a file is of this version of its project."""
    if file.endswith('.whl'):
        return file.split('-')[1] == version
    return re.sub(r'\.(tar\.gz|zip|tar\.bz2|tgz)$', '', file).endswith(f'-{version}')


def with_hashes(text: str) -> str:
    """A requirements file with the hashes of every pin."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith('--hash=')]
    lines = [line.removesuffix('\\').rstrip() for line in lines]
    pins = {line: found for line in lines if (found := PIN.match(line))}
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        found = dict(zip(pins, pool.map(lambda one: hashes(one['name'], one['version']), pins.values()), strict=True))
    missing = [line for line, known in found.items() if not known]
    if missing:
        raise SystemExit(f'No release file is known of {", ".join(missing)}.')
    return '\n'.join(
        ' \\\n'.join([line, *(f'    --hash=sha256:{one}' for one in found.get(line, ()))]) for line in lines
    )


def main() -> None:
    """Rewrites the files that are named."""
    for name in sys.argv[1:]:
        path = Path(name)
        path.write_text(with_hashes(path.read_text(encoding='utf-8')).rstrip() + '\n', encoding='utf-8')


if __name__ == '__main__':
    main()
