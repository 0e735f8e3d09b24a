"""What workers are sent can be read where nothing of this repository is but the package."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.portability import common_urns, python_urns
from apache_beam.portability.api import beam_runner_api_pb2

from privacy_component.beam import job
from tests.component import world as w
from tests.dataflow.graphs import whole_plan

ROOT = Path(__file__).parents[2]
# Reads each function, writes it again and reads that; says of what class it is.
CLEAN = """
import importlib.util, json, sys
from apache_beam.internal import pickler
import privacy_component
def name(found):
    function = found[0] if isinstance(found, tuple) else found
    return f'{type(function).__module__}.{type(function).__qualname__}'
found = {}
for key, payload in json.load(open(sys.argv[1])).items():
    first = pickler.loads(payload.encode('latin-1'))
    again = pickler.loads(pickler.dumps(first))
    assert name(first) == name(again), key
    found[key] = name(again)
elsewhere = [one for one in ('pipelines', 'kubeflow') if importlib.util.find_spec(one)]
print(json.dumps({'home': privacy_component.__file__, 'elsewhere': elsewhere, 'found': found}))
"""


def functions_of(plan):
    """transform -> the pickled DoFn or CombineFn in it."""
    pipeline = beam.Pipeline(runner='FnApiRunner')
    job.build(pipeline, plan, 'gs://bucket/measurements.json')
    found = {}
    for transform in pipeline.to_runner_api().components.transforms.values():
        if transform.spec.urn == common_urns.primitives.PAR_DO.urn:
            function = beam_runner_api_pb2.ParDoPayload.FromString(transform.spec.payload).do_fn
        elif transform.spec.urn in {one.urn for one in _COMBINES}:
            function = beam_runner_api_pb2.CombinePayload.FromString(transform.spec.payload).combine_fn
        else:
            continue
        if function.urn in (python_urns.PICKLED_DOFN_INFO, python_urns.PICKLED_COMBINE_FN):
            found[transform.unique_name] = function.payload.decode('latin-1')
    return found


_COMBINES = (common_urns.composites.COMBINE_PER_KEY, common_urns.composites.COMBINE_GLOBALLY)


@pytest.fixture(scope='module')
def clean(tmp_path_factory):
    """A folder with the package alone, and how to run there."""
    folder = tmp_path_factory.mktemp('clean')
    shutil.copytree(ROOT / 'privacy_component', folder / 'site' / 'privacy_component')

    def run(functions):
        path = folder / 'functions.json'
        path.write_text(json.dumps(functions))
        environment = {name: os.environ[name] for name in ('PATH', 'HOME') if name in os.environ}
        environment |= {'PYTHONPATH': str(folder / 'site'), 'TF_CPP_MIN_LOG_LEVEL': '3', 'PYTHONWARNINGS': 'ignore'}
        command = [sys.executable, '-c', CLEAN, str(path)]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        told = json.loads(done.stdout.splitlines()[-1])
        assert told['home'].startswith(str(folder)) and told['elsewhere'] == []
        return told['found']

    return run


def test_every_function_round_trips_in_a_clean_process(clean, tmp_path):
    w.save_model(tmp_path)
    model_path = str(tmp_path / 'Format-Serving')
    direct = functions_of(whole_plan(model_path))
    by_extractors = functions_of(whole_plan(model_path, calls_model_directly=False))
    functions = {f'direct: {name}': one for name, one in direct.items()}
    functions |= {f'by extractors: {name}': one for name, one in by_extractors.items()}
    found = clean(functions)
    assert found.keys() == functions.keys() and len(found) > 40
    ours = {name for name in found.values() if name.startswith('privacy_component')}
    assert {name.rsplit('.', 1)[1] for name in ours} >= {
        'ObserveDirectly', 'CountScores', 'SketchExamples', 'Merge', 'DecodeExamples', 'ObserveExtracts',
    }  # fmt: skip
    assert not [name for name in found.values() if name.startswith(('tests', '__main__'))]


def test_a_function_of_this_repository_only_would_be_noticed(clean):
    pipeline = beam.Pipeline(runner='FnApiRunner')
    _ = pipeline | beam.Create([1]) | 'Stray' >> beam.ParDo(Stray())
    (payload,) = (
        beam_runner_api_pb2.ParDoPayload.FromString(one.spec.payload).do_fn.payload
        for one in pipeline.to_runner_api().components.transforms.values()
        if one.unique_name == 'Stray'
    )
    with pytest.raises(AssertionError, match="No module named 'tests"):
        clean({'stray': payload.decode('latin-1')})


class Stray(beam.DoFn):
    """Stands where no worker finds it."""
