"""What Kubeflow Pipelines and Vertex AI do with a compiled pipeline, on this machine: one step's command at a time."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def on_this_machine(command: list[str], folder: Path) -> subprocess.CompletedProcess:
    """Runs a step's command with this Python and this repository."""
    command = [sys.executable, *command[1:]] if command[0] == 'python' else command
    env = os.environ | {'PYTHONPATH': str(REPOSITORY), 'TF_CPP_MIN_LOG_LEVEL': '3', 'PYTHONWARNINGS': 'ignore'}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


@dataclasses.dataclass
class Cluster:
    """Runs steps of a compiled pipeline, of schema 2.1 as Kubeflow does, or of 2.0 as Vertex AI.

    `parameters` are those of the run, `launch` runs a command in `root`.
    """

    spec: dict
    root: Path
    parameters: dict = dataclasses.field(default_factory=dict)
    launch: Callable[[list[str], Path], subprocess.CompletedProcess] = on_this_machine

    def run(self, task: str, inputs: dict, **parameters) -> dict:
        """Runs a step's command as it is and returns its output artifacts by name, as input artifacts of others."""
        done, output_file = self.attempt(task, inputs, **parameters)
        assert done.returncode == 0, done.stderr[-3000:]
        output = json.loads(output_file.read_text())
        return {name: found['artifacts'][0] for name, found in output['artifacts'].items()}

    def attempt(self, task: str, inputs: dict, **parameters) -> tuple[subprocess.CompletedProcess, Path]:
        """The step's ended process, and where it would have said what it made."""
        shutil.rmtree(self.root / task, ignore_errors=True)
        invocation = self._invocation(task, inputs, parameters)
        container = container_of(self.spec, task)
        command = [*container['command'], *container['args']]
        command = [json.dumps(invocation) if each == '{{$}}' else each for each in command]
        return self.launch(command, self.root), Path(invocation['outputs']['outputFile'])

    def _invocation(self, task: str, inputs: dict, parameters: dict) -> dict:
        declared = self.spec['components'][task]['outputDefinitions']['artifacts']
        folder = self.root / task
        outputs = {
            name: [{'name': name, 'uri': str(folder / name), 'type': artifact['artifactType']}]
            for name, artifact in declared.items()
        }
        values = self._parameter_values(task) | parameters
        if self._is_vertex:
            values = {name: {'stringValue': value} for name, value in values.items()}
            inputs = {name: {**one, 'type': self._declared_type(task, name)} for name, one in inputs.items()}
        return {
            'inputs': {
                ('parameters' if self._is_vertex else 'parameterValues'): values,
                'artifacts': {name: {'artifacts': [artifact]} for name, artifact in inputs.items()},
            },
            'outputs': {
                'artifacts': {name: {'artifacts': artifacts} for name, artifacts in outputs.items()},
                'outputFile': str(folder / 'executor_output.json'),
            },
        }

    def _parameter_values(self, task: str) -> dict:
        given = task_of(self.spec, task)['inputs'].get('parameters', {})
        return {name: self._value(source) for name, source in given.items()}

    @property
    def _is_vertex(self) -> bool:
        return self.spec['schemaVersion'].startswith('2.0')

    def _declared_type(self, task: str, name: str) -> dict:
        """Which Vertex AI gives each artifact, and Kubeflow does not."""
        return self.spec['components'][task]['inputDefinitions']['artifacts'][name]['artifactType']

    def _value(self, source: dict):
        if 'runtimeValue' in source:
            given = source['runtimeValue']
            return given['constantValue']['stringValue'] if self._is_vertex else given['constant']
        name = source['componentInputParameter']
        declared = self.spec['root']['inputDefinitions']['parameters'][name]
        return self.parameters.get(name, declared.get('defaultValue'))


def as_input(artifact: dict, number: int) -> dict:
    """An output artifact as the next step gets it: its number in the metadata store for a name, and no type."""
    return {**artifact, 'name': str(number), 'type': {'instanceSchema': ''}}


def container_of(spec: dict, task: str) -> dict:
    """The command, arguments and image of a step."""
    return spec['deploymentSpec']['executors'][spec['components'][task]['executorLabel']]['container']


def task_of(spec: dict, task: str) -> dict:
    """A step's wiring."""
    return spec['root']['dag']['tasks'][task]
