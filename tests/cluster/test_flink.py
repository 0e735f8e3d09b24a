"""PrivacyEvaluator on a Flink cluster gives the bits that it gives in memory, also when a part of the cluster dies."""

import shutil
import time
from pathlib import Path

import psutil
import pytest
from tfx.types import standard_artifacts

from pipelines.taxi import configs
from privacy_component import PrivacyConfig, PrivacyMetrics, Threshold
from privacy_component.component.reference_models.manifest import read_manifest
from tests.cluster.conftest import IN_MEMORY
from tests.cluster.figures import figures
from tests.cluster.flink import TASK_MANAGERS
from tests.cluster.waiting import Background, wait_for
from tests.component.test_reference_models import Digits, artifact

JOB_SECONDS = 300
READING_SECONDS = 150
VICTIM = TASK_MANAGERS[1]

pytestmark = pytest.mark.timeout(720)

# Steps hand over whole files: what is left of a cluster can then finish the job, one step after the other. Flink's
# default wants as many slots as before, and waits for a new TaskManager.
STEP_BY_STEP = '--execution_mode_for_batch=BATCH'


@pytest.fixture
def start(taxi, cluster):
    """Starts the evaluation on the cluster, with options of Beam."""
    return lambda *options: Background(lambda: figures(taxi.run(beam_args=[*cluster.beam_args(), *options])))


def test_cluster_equals_memory(start, cluster, in_memory):
    assert start().result(JOB_SECONDS) == in_memory
    assert cluster.api.last_job().restarts == 0


def test_attacks_that_learn_equal_memory(taxi, cluster):
    """The pipeline's own config: a second pass with attackers that were fitted in the first."""
    chosen = configs.privacy_config()
    expected = figures(taxi.run(privacy_config=chosen, beam_args=list(IN_MEMORY)))
    job = Background(lambda: figures(taxi.run(privacy_config=chosen, beam_args=cluster.beam_args())))
    assert job.result(JOB_SECONDS) == expected


@pytest.fixture(scope='module')
def digits(tmp_path_factory):
    """A model, four reference models, and one of these as the model that it is to replace."""
    made = Digits(tmp_path_factory.mktemp('digits')).write()
    references = made.train()
    folder = made.root / 'baseline' / 'Format-Serving'
    shutil.copytree(Path(references.uri) / read_manifest(references.uri).models[0].directory, folder)
    return made, references, artifact(standard_artifacts.Model, folder.parent, id=16)


def test_everything_at_once_equals_memory(digits, cluster):
    """Tenths by loss, attackers that learn, reference models and a baseline model: all passes that there are."""
    made, references, baseline = digits
    chosen = PrivacyConfig(
        attacks=('loss_threshold', 'logistic_regression', 'rmia', 'stacked'),
        thresholds=(Threshold('auc', 0.9), Threshold('auc', absolute=0.3, attacks=('logistic_regression',))),
        slices={'by_class': True, 'by_loss_percentile': True},
        people={'num_most_vulnerable': 5},
    )

    def evaluated(beam_args):
        made.evaluate(references, chosen, beam_args=beam_args, baseline_model=[baseline])
        return figures({'privacy_metrics': artifact(PrivacyMetrics, made.root / 'out' / 'metrics')})

    expected = evaluated(IN_MEMORY)
    assert any('@loss_percentile' in line for line in expected)
    job = Background(lambda: evaluated(cluster.beam_args()))
    assert job.result(JOB_SECONDS) == expected


def test_survives_killed_worker_in_the_second_pass(taxi, cluster):
    chosen = configs.privacy_config()
    expected = figures(taxi.run(privacy_config=chosen, beam_args=list(IN_MEMORY)))
    args = [*cluster.beam_args(), STEP_BY_STEP]
    job = Background(lambda: figures(taxi.run(privacy_config=chosen, beam_args=args)))
    began = []

    def worker_of_the_second_pass():
        """Each step has workers of its own; those of the step before may not have ended yet."""
        assert job.is_running, f'the job ended before its second pass was seen: {job.result(0)}'
        if not began and cluster.api.last_job().runs_on(cluster.identity(VICTIM), 'CountLearntScores'):
            began.append(time.time())
        return began and [one for one in cluster.workers(VICTIM) if one.create_time() > began[0]]

    for worker in wait_for('a worker of the second pass', worker_of_the_second_pass, READING_SECONDS):
        worker.kill()
    assert job.result(JOB_SECONDS) == expected
    assert cluster.api.last_job().restarts > 0


def test_survives_killed_worker(start, cluster, in_memory):
    job = start()
    _reading_worker(job, cluster).kill()
    assert job.is_running
    assert job.result(JOB_SECONDS) == in_memory
    assert cluster.api.last_job().restarts > 0


def test_survives_killed_task_manager(start, cluster, in_memory, processes):
    job = start(STEP_BY_STEP)
    _reading_worker(job, cluster)
    assert cluster.api.last_job().runs_on(cluster.identity(VICTIM))
    processes.kill(VICTIM)
    assert job.is_running
    assert job.result(JOB_SECONDS) == in_memory
    assert cluster.api.last_job().restarts > 0
    assert not processes.runs(VICTIM), 'nobody has started it again'


def _reading_worker(job, cluster):
    """A Beam worker of the victim with a file of examples open: the job is in its middle then."""

    def reading():
        assert job.is_running, f'the job ended before a worker was seen to read: {job.result(0)}'
        return next((worker for worker in cluster.workers(VICTIM) if _reads_examples(worker)), None)

    return wait_for('a worker that reads examples', reading, READING_SECONDS)


def _reads_examples(worker):
    try:
        return any('/Split-' in file.path for file in worker.open_files())
    except psutil.Error:
        return False
