"""A Flink cluster on this machine: a JobManager, two TaskManagers and Beam's job server, on free ports of localhost."""

import contextlib
import json
import os
import re
import shutil
import socket
import sys
import time
from pathlib import Path

from tests.cluster import fetch
from tests.cluster.rest import FlinkApi
from tests.cluster.waiting import wait_for

TASK_MANAGERS = ('taskmanager1', 'taskmanager2')
START_SECONDS = 90
DIRECT_MEGABYTES = 900  # a TaskManager's network buffers are 512 of them
WORKER = 'sdk_worker_main'
BOOT = Path(__file__).with_name('boot.py')
CONF = Path(__file__).with_name('conf')

_OPENED = ('lang', 'lang.reflect', 'net', 'io', 'nio', 'text', 'time', 'util')
_OPENED += ('util.concurrent', 'util.concurrent.atomic', 'util.concurrent.locks')
_ADD_OPENS = [f'--add-opens=java.base/java.{name}=ALL-UNNAMED' for name in _OPENED]
_ADD_OPENS += [f'--add-opens=java.base/sun.{name}=ALL-UNNAMED' for name in ('nio.ch', 'net.util')]
_QUICK_START = ('-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1')
_RUNNER = 'org.apache.beam.runners.flink'
# Of the job server: times, and no dump of all metrics.
_LOGGING = ['-Dorg.slf4j.simpleLogger.showDateTime=true', '-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS']
_LOGGING += [f'-Dorg.slf4j.simpleLogger.log.{_RUNNER}.FlinkPipelineRunner=warn']
_JOB_MANAGER = 'org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint'
_TASK_MANAGER = 'org.apache.flink.runtime.taskexecutor.TaskManagerRunner'
_JOB_SERVICE = re.compile(r'JobService started on (?P<endpoint>\S+:\d+)')
_JOB_SERVER = f'{_RUNNER}.FlinkJobServerDriver'


class FlinkCluster:
    """Starts the cluster's processes.

    Args:
      processes: the Processes to start them with.
      folder: an empty folder for what they need.
    """

    def __init__(self, processes, folder):
        self._processes = processes
        self._identities = {}
        self._folder = Path(folder)
        self._rest_port, self._rpc_port = _free_ports(2)
        self.api = FlinkApi(self._rest_port)

    def start(self):
        """Returns when jobs can be submitted."""
        (self._folder / 'tmp').mkdir()
        self._configure()
        self._start_flink('jobmanager', 512, _JOB_MANAGER)
        self.fill()
        self._start_job_server()

    def fill(self):
        """Starts the TaskManagers that are missing; returns when all are registered."""
        for name in TASK_MANAGERS:
            if not self._processes.runs(name):
                # A new one each time: Flink must not take it for the one that was lost.
                self._identities[name] = f'{name}-{time.time_ns()}'
                identity = f'taskmanager.resource-id={self._identities[name]}'
                self._start_flink(name, 428, _TASK_MANAGER, '-D', identity)
        self._wait('two TaskManagers', lambda: set(self._identities.values()) <= set(self.api.task_managers()))

    def identity(self, task_manager):
        """The id by which Flink knows a TaskManager."""
        return self._identities[task_manager]

    def workers(self, task_manager):
        """The Beam worker processes of a TaskManager."""
        return self._processes.children(task_manager, WORKER)

    def beam_args(self):
        """The beam_pipeline_args of a job on this cluster."""
        path = f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}'
        return [
            '--runner=PortableRunner',
            f'--job_endpoint={self._job_endpoint}',
            '--environment_type=PROCESS',
            f'--environment_config={json.dumps({"command": str(BOOT), "env": {"PATH": path}})}',
            f'--parallelism={len(TASK_MANAGERS)}',
            '--number_of_execution_retries=5',
            # Workers find TFX and the component installed; without this TFX would package its own source for them.
            '--sdk_container_image=unused',
        ]

    def _configure(self):
        shutil.copytree(CONF, self._folder / 'conf')
        with (self._folder / 'conf' / 'flink-conf.yaml').open('a') as file:
            file.write(f'rest.port: {self._rest_port}\n')
            file.write(f'jobmanager.rpc.port: {self._rpc_port}\n')
            file.write(f'io.tmp.dirs: {self._folder / "tmp"}\n')

    def _start_flink(self, name, heap_megabytes, main, *arguments):
        class_path = f'{fetch.flink_jars()}/*'
        configured = ['--configDir', self._folder / 'conf', *arguments]
        self._start_java(name, heap_megabytes, class_path, main, *configured)

    def _start_job_server(self):
        arguments = [
            f'--flink-master=localhost:{self._rest_port}',
            '--job-port=0',
            '--artifact-port=0',
            '--expansion-port=-1',
            f'--artifacts-dir={self._folder / "artifacts"}',
        ]
        class_path = fetch.job_server_class_path().read_text()
        self._start_java('jobserver', 512, class_path, _JOB_SERVER, *arguments)
        found = self._wait("Beam's job server", lambda: _JOB_SERVICE.search(self._processes.log('jobserver')))
        self._job_endpoint = found['endpoint']

    def _start_java(self, name, heap_megabytes, class_path, main, *arguments):
        options = [
            f'-Xmx{heap_megabytes}m',
            f'-XX:MaxDirectMemorySize={DIRECT_MEGABYTES}m',
            *_QUICK_START,
            f'-Djava.io.tmpdir={self._folder / "tmp"}',
            f'-Dlog4j.configurationFile={self._folder / "conf" / "log4j.properties"}',
            *_LOGGING,
            *_ADD_OPENS,
        ]
        self._processes.start(name, ['java', *options, '-cp', class_path, main, *arguments])

    def _wait(self, what, condition):
        def checked():
            self._processes.check()
            return condition()

        return wait_for(what, checked, START_SECONDS)


def _free_ports(count):
    """Different ones, as all are held until the last is known."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(('localhost', 0))
        return [each.getsockname()[1] for each in sockets]
