"""Which TFX a machine gets: requirements/find_python.sh and the Makefile, with made-up machines on PATH."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / 'requirements/find_python.sh'


@pytest.fixture
def machine(tmp_path):
    """A folder for PATH, to which executables are added."""
    folder = tmp_path / 'bin'
    folder.mkdir()
    for tool in ('sh', 'sed', 'sort', 'head', 'printf', 'env'):
        (folder / tool).symlink_to(f'/usr/bin/{tool}')
    return folder


def add(folder, name, body):
    (folder / name).write_text(f'#!/bin/sh\n{body}\n')
    (folder / name).chmod(0o755)


def with_glibc(folder, version):
    add(folder, 'getconf', f'echo glibc {version}')


def with_python(folder, version):
    """A Python that says of itself what the script asks: its version, its path and where headers would be."""
    path = folder / f'python{version}'
    add(
        folder,
        path.name,
        f'case "$2" in *version*) echo {version};; *executable*) echo {path};; *) echo {folder};; esac',
    )
    return path


def run(folder, *arguments, **environment):
    return subprocess.run(
        [str(SCRIPT), *arguments],
        env={'PATH': str(folder), 'HOME': str(folder)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ('glibc', 'pythons', 'said'),
    [
        ('2.41', ('3.10', '3.13'), '1.21 because this machine has glibc 2.41 and a Python 3.13'),
        ('2.39', ('3.13',), '1.21 because this machine has glibc 2.39 and a Python 3.13'),
        ('2.41', ('3.10',), '1.16 because 1.21 needs a Python 3.13 with venv and none was found'),
        ('2.36', ('3.10', '3.13'), '1.16 because 1.21 needs glibc 2.39 and this machine has 2.36'),
        ('2.4', ('3.13',), '1.16 because 1.21 needs glibc 2.39 and this machine has 2.4'),
        ('2.41', (), '1.21 because this machine has glibc 2.41'),
    ],
)
def test_the_newest_release_that_the_machine_can_run(machine, glibc, pythons, said):
    with_glibc(machine, glibc)
    for version in pythons:
        with_python(machine, version)
    assert run(machine).stdout.strip() == said


def test_a_release_can_be_asked_for(machine):
    with_glibc(machine, '2.41')
    with_python(machine, '3.13')
    assert run(machine, TFX='1.16').stdout.strip() == '1.16 as TFX=1.16 says'
    unknown = run(machine, TFX='1.20')
    assert unknown.returncode and not unknown.stdout
    assert 'TFX=1.20 is no release that was tested: 1.21 or 1.16.' in unknown.stderr


def test_the_python_of_the_release_is_found(machine):
    with_glibc(machine, '2.41')
    old, new = with_python(machine, '3.10'), with_python(machine, '3.13')
    add(machine, 'g++', 'true')
    (machine / 'Python.h').touch()
    assert run(machine, '1.16').stdout.strip() == str(old)
    assert run(machine, '1.21').stdout.strip() == str(new)
    assert run(machine, '1.16', PYTHON=str(new)).returncode


def test_what_is_missing_is_named(machine):
    with_glibc(machine, '2.36')
    assert 'TFX 1.21 needs glibc 2.39, and this machine has 2.36' in run(machine, '1.21').stderr
    with_glibc(machine, '2.41')
    assert 'apt-get install python3.13-venv' in run(machine, '1.21').stderr
    with_python(machine, '3.13')
    assert 'apt-get install g++ python3.13-dev' in run(machine, '1.21').stderr


@pytest.mark.parametrize(('release', 'pins'), [('1.16', 'tfx-1.16-py310.txt'), ('1.21', 'tfx-1.21-py313.txt')])
def test_make_says_which_release_and_installs_its_pins(release, pins):
    environment = {name: value for name, value in os.environ.items() if name not in ('TFX', 'MAKEFLAGS', 'MAKELEVEL')}
    command = ['make', '--dry-run', 'env', 'VENV=build/none', f'TFX={release}']
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert f'TFX {release} as TFX={release} says.' in done.stdout
    assert f'-r requirements/{pins}' in done.stdout
    assert f'Installing TFX {release} ' in done.stdout
