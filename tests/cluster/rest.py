"""What Flink's REST interface tells of TaskManagers and jobs."""

import dataclasses
import json
import urllib.error
import urllib.request

REQUEST_SECONDS = 10


@dataclasses.dataclass(frozen=True)
class Task:
    """One parallel part of one step of a job.

    Attributes:
      step: its name, made of those of Beam's transforms in it.
      status: Flink's word, as RUNNING or FINISHED.
      task_manager: where it runs.
      attempt: 0 for the first.
    """

    step: str
    status: str
    task_manager: str
    attempt: int


@dataclasses.dataclass(frozen=True)
class Job:
    """A Flink job as it is at one moment.

    Attributes:
      tasks: all of them.
    """

    tasks: tuple[Task, ...]

    @property
    def restarts(self):
        """How often the task that failed most was started again."""
        return max(task.attempt for task in self.tasks)

    def runs_on(self, task_manager, step=''):
        """Whether a task is running there, of a step with this in its name."""
        return any(
            task.status == 'RUNNING' and task.task_manager == task_manager and step in task.step for task in self.tasks
        )


class FlinkApi:
    """Flink's REST interface.

    Args:
      port: where it listens on localhost.
    """

    def __init__(self, port):
        self._url = f'http://localhost:{port}'

    def task_managers(self):
        """The ids of the registered TaskManagers; none while the JobManager starts."""
        try:
            return [each['id'] for each in self._get('/taskmanagers')['taskmanagers']]
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return []

    def last_job(self):
        """The Job that started last; one without tasks before there is any."""
        latest = max(self._get('/jobs/overview')['jobs'], key=lambda job: job['start-time'], default=None)
        if latest is None:
            return Job(())
        steps = self._get(f'/jobs/{latest["jid"]}')['vertices']
        return Job(tuple(task for step in steps for task in self._tasks(latest['jid'], step)))

    def _tasks(self, job_id, step):
        found = self._get(f'/jobs/{job_id}/vertices/{step["id"]}')['subtasks']
        return [Task(step['name'], each['status'], each['taskmanager-id'], each['attempt']) for each in found]

    def _get(self, path):
        with urllib.request.urlopen(self._url + path, timeout=REQUEST_SECONDS) as answer:
            return json.load(answer)
