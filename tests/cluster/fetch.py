"""Fetches Flink and Beam's Flink job server into build/cluster, once: python -m tests.cluster.fetch."""

import contextlib
import fcntl
import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

FLINK = 'apache-flink-libraries==1.19.3'
OLDEST_JAVA = 11
CACHE = Path(__file__).parents[2] / 'build' / 'cluster'
LOGS = CACHE / 'logs'
POM = Path(__file__).with_name('pom.xml')
DOWNLOAD_SECONDS = 900


def main():
    """Returns None, or one line on what is missing or failed."""
    missing = what_is_missing()
    if missing:
        return f'make test-cluster needs {missing}.'
    LOGS.mkdir(parents=True, exist_ok=True)
    try:
        with locked('fetch'):
            _fetch('Flink (230 MB)', flink_jars(), _fetch_flink)
            _fetch("Beam's job server for Flink (160 MB)", job_server_class_path(), _fetch_job_server)
    except subprocess.SubprocessError as error:
        return f'Fetching failed ({error}); the log: {LOGS / "fetch.log"}'
    return None


def what_is_missing():
    """What has to be installed first, in words; '' if nothing."""
    absent = [name for name, program in (('Java (11 or 17)', 'java'), ('Maven', 'mvn')) if not shutil.which(program)]
    if absent:
        return ' and '.join(absent) + f', which {"are" if len(absent) > 1 else "is"} not on the PATH'
    found = _java_version()
    return '' if found >= OLDEST_JAVA else f'Java 11 or 17; the one on the PATH is {found}'


@contextlib.contextmanager
def locked(name):
    """Keeps other runs on this machine out."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f'{name}.lock').open('w') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def flink_jars():
    """The folder with Flink's jars."""
    return CACHE / FLINK.replace('==', '-') / 'pyflink' / 'lib'


def job_server_class_path():
    """The file with the job server's class path; its name holds what it was made from."""
    return CACHE / f'job-server-{hashlib.sha256(POM.read_bytes()).hexdigest()[:12]}.classpath'


def _java_version():
    """The major number; 1 for Java 8 and older."""
    said = subprocess.run(['java', '-version'], capture_output=True, text=True, timeout=60)
    version = re.search(r'version "(\d+)', said.stderr)
    return int(version[1]) if version else 0


def _fetch(what, target, fetch):
    if target.exists() and _is_whole(target):
        return
    print(f'Fetching {what} into {CACHE}', flush=True)
    fetch()


def _is_whole(target):
    """A class path holds absolute paths, which a moved folder makes wrong."""
    return target.is_dir() or all(Path(jar).exists() for jar in target.read_text().split(':'))


def _fetch_flink():
    folder = flink_jars().parents[1]
    part = folder.with_name(f'{folder.name}.part')
    shutil.rmtree(part, ignore_errors=True)
    _run(
        [sys.executable, '-m', 'pip', 'install', '--no-cache-dir', '--no-deps', '--no-compile', '--target', part, FLINK]
    )
    part.rename(folder)


def _fetch_job_server():
    part = job_server_class_path().with_suffix('.part')
    goal = ['dependency:build-classpath', f'-Dmdep.outputFile={part}']
    _run(['mvn', '--batch-mode', '--file', POM, f'-Dmaven.repo.local={CACHE / "maven"}', *goal])
    part.rename(job_server_class_path())


def _run(command):
    with (LOGS / 'fetch.log').open('a') as log:
        subprocess.run(command, check=True, timeout=DOWNLOAD_SECONDS, stdout=log, stderr=log)


if __name__ == '__main__':
    sys.exit(main())
