"""Writes what pip resolved as pins, each with the hash of the file that pip chose.

    pip install --dry-run --ignore-installed --report report.json 'tfx[...]' ...
    python requirements/pins_of_report.py report.json requirements/tfx-1.21-py313.txt [requirements/dev.txt ...]

Pins that one of the other files holds in the same version get the hash there; all others make the first file anew.
"""

import json
import re
import sys
from pathlib import Path

PIN = re.compile(r'^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^\s\\;]+)')
HASH = '    --hash=sha256:'


def chosen(report: dict) -> dict[str, tuple[str, str]]:
    """Version and SHA-256 of every distribution of a report, by its normalised name, sorted."""
    found = {}
    for item in report['install']:
        name = re.sub(r'[-_.]+', '-', item['metadata']['name']).lower()
        found[name] = item['metadata']['version'], item['download_info']['archive_info']['hashes']['sha256']
    return dict(sorted(found.items()))


def with_known(text: str, resolved: dict[str, tuple[str, str]]) -> tuple[str, set[str]]:
    """A requirements file with the hashes of a report added to its pins, and the names of these pins."""
    lines, known = [], set()
    for line in text.splitlines():
        lines.append(line)
        pin = PIN.match(line)
        if not pin or pin['name'] not in resolved:
            continue
        version, sha256 = resolved[pin['name']]
        if version != pin['version']:
            raise SystemExit(f'{pin["name"]} is pinned at {pin["version"]}, and pip chose {version}.')
        known.add(pin['name'])
        if sha256 not in text:
            lines.append(f'{HASH}{sha256} \\')
    return '\n'.join(lines) + '\n', known


def main() -> None:
    """Rewrites the files that are named."""
    report, target, *others = map(Path, sys.argv[1:])
    resolved = chosen(json.loads(report.read_text(encoding='utf-8')))
    elsewhere: set[str] = set()
    for path in others:
        text, known = with_known(path.read_text(encoding='utf-8'), resolved)
        path.write_text(text, encoding='utf-8')
        elsewhere |= known
    pins = [
        f'{name}=={version} \\\n{HASH}{sha256}\n'
        for name, (version, sha256) in resolved.items()
        if name not in elsewhere
    ]
    target.write_text(''.join(pins), encoding='utf-8')


if __name__ == '__main__':
    main()
