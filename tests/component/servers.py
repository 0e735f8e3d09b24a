"""Database servers for ML Metadata, empty and on the loopback interface, for the length of a test."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ml_metadata.proto import metadata_store_pb2
from tfx import v1 as tfx

STARTUP_SECONDS = 60
PACKAGES = {'mariadb': 'mariadb-server-core', 'postgres': 'postgresql'}


def program(name: str) -> str | None:
    """The path of a server's program, on PATH or where Debian puts it."""
    return shutil.which(name) or next(map(str, Path('/usr/lib/postgresql').glob(f'*/bin/{name}')), None)


def is_installed(server: str) -> bool:
    return program({'mariadb': 'mariadbd', 'postgres': 'initdb'}[server]) is not None


@contextlib.contextmanager
def running(server: str) -> Iterator[metadata_store_pb2.ConnectionConfig]:
    """How to connect to the server while it runs."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        yield from {'mariadb': _mariadb, 'postgres': _postgres}[server](Path(folder))


def _mariadb(folder: Path) -> Iterator[metadata_store_pb2.ConnectionConfig]:
    port = _free_port()
    (folder / 'data').mkdir()
    options = [f'--datadir={folder}/data', f'--socket={folder}/socket', f'--pid-file={folder}/pid', f'--port={port}']
    options += ['--bind-address=127.0.0.1', '--skip-grant-tables', f'--user={getpass.getuser()}']
    options += ['--character-set-server=utf8mb4']
    with _served([program('mariadbd'), '--no-defaults', *options], port, folder):
        yield tfx.orchestration.metadata.mysql_metadata_connection_config('127.0.0.1', port, 'lineage', 'root', '')


def _postgres(folder: Path) -> Iterator[metadata_store_pb2.ConnectionConfig]:
    """It refuses to run as root, and so does initdb."""
    port, user = _free_port(), {'user': 'nobody'} if os.getuid() == 0 else {}
    if user:
        shutil.chown(folder, **user)
    make = [program('initdb'), '-D', f'{folder}/data', '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync']
    subprocess.run(make, check=True, capture_output=True, cwd=folder, **user)
    options = ['-D', f'{folder}/data', '-k', str(folder), '-p', str(port), '-h', '127.0.0.1']
    # By SIGTERM it would wait until the last client has gone.
    with _served([program('postgres'), *options], port, folder, signal.SIGINT, **user):
        connection = metadata_store_pb2.ConnectionConfig()
        of = connection.postgresql
        of.host, of.port, of.user, of.dbname, of.skip_db_creation = '127.0.0.1', str(port), 'postgres', 'postgres', True
        yield connection


@contextlib.contextmanager
def _served(command: list, port: int, folder: Path, stop: int = signal.SIGTERM, **user: str) -> Iterator[None]:
    with open(folder / 'log', 'w') as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **user)
    try:
        _wait_for(server, port, folder)
        yield
    finally:
        server.send_signal(stop)
        server.wait(STARTUP_SECONDS)


def _wait_for(server: subprocess.Popen, port: int, folder: Path) -> None:
    deadline = time.time() + STARTUP_SECONDS
    while time.time() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(('127.0.0.1', port)) == 0:
                return
        time.sleep(0.2)
    raise TimeoutError(f'the server does not listen on port {port}: {(folder / "log").read_text()[-2000:]}')


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]
