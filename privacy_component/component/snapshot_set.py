"""The snapshots that PrivacyEvaluator is given: which there are, in which order, and how they are called."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import tensorflow as tf

from privacy_component.attacks import attack_named
from privacy_component.beam.plan import ModelPlan, SnapshotPlan
from privacy_component.component.compat import fileio, types
from privacy_component.config.audits import ALIGNMENT
from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.errors import PrivacyInputError
from privacy_component.gate.baseline import attacks_on_baseline
from privacy_component.observations.needs import SNAPSHOTS, need_of
from privacy_component.observations.snapshot_names import SNAPSHOTS_DIRECTORY, epoch_of

UNUSED_SNAPSHOTS = (
    f'{SNAPSHOTS} is wired, and no configured attack asks them, so nothing of them bears on the verdict: add '
    "'trajectory' to PrivacyConfig.attacks, or leave attacks out for the default."
)
_CHECKPOINT = 'checkpoint'  # the file in which TensorFlow notes which checkpoints there are
_LAYOUT = (
    f'PrivacyEvaluator looks for SavedModels {SNAPSHOTS_DIRECTORY}/epoch_00001, ... as SnapshotCallback writes them: '
    f"give it f'{{fn_args.model_run_dir}}/{SNAPSHOTS_DIRECTORY}' in the trainer's run_fn"
)


def snapshots_uri(input_dict: Mapping[str, Sequence[types.Artifact]]) -> str:
    """Where the training's run left its snapshots; '' where the channel is not wired.

    Raises:
      PrivacyInputError: it is wired and holds none, or several.
    """
    if SNAPSHOTS not in input_dict:
        return ''
    artifacts = list(input_dict[SNAPSHOTS] or ())
    if len(artifacts) != 1:
        raise PrivacyInputError(
            f'{SNAPSHOTS} holds {len(artifacts)} artifacts; one is needed, of the run that trained the model: wire '
            "trainer.outputs['model_run'] of the Trainer whose model is evaluated."
        )
    return artifacts[0].uri


def ranks_by_snapshots(config: PrivacyConfig) -> bool:
    """Whether an audit ranks its canaries by where training went."""
    return any(one.score == ALIGNMENT for one in config.audits)


def check_can_be_aligned(are_wired: bool, calls_model_directly: bool) -> None:
    """Raises PrivacyInputError if an audit asks for gradients at snapshots that cannot be had."""
    if not are_wired:
        raise PrivacyInputError(
            f"OneRunAudit.score is '{ALIGNMENT}', and {SNAPSHOTS} is not wired: {_LAYOUT}, and wire "
            "PrivacyEvaluator(snapshots=trainer.outputs['model_run']); or rank canaries by the 'loss'."
        )
    if not calls_model_directly:
        raise PrivacyInputError(
            f"OneRunAudit.score is '{ALIGNMENT}', which takes gradients through a signature of serialized tf.Examples, "
            "and the model has none: export it with one, or rank canaries by the 'loss'."
        )


def snapshot_plan(uri: str, config: PrivacyConfig, candidate: ModelPlan, columns: Collection[str]) -> SnapshotPlan:
    """How the snapshots are called: as the candidate is; and for which columns.

    Raises:
      PrivacyInputError: there are fewer than two, an epoch has two, or one is no SavedModel; or a change from a
        baseline model is limited for an attack that asks them.
    """
    _check_baseline(config)
    directories = _directories(uri)
    if len(directories) < 2:
        raise PrivacyInputError(
            f'{SNAPSHOTS} has {len(directories)} snapshots in {uri}; two or more are needed. {_LAYOUT}, with `every` '
            'small enough for two of its epochs.'
        )
    models = tuple(
        ModelPlan(path, candidate.eval_config, signature=candidate.signature, output=candidate.output)
        for path in directories.values()
    )
    return SnapshotPlan(models, tuple(directories), tuple(sorted(columns)))


def pushed_along(directory: str) -> list[str]:
    """A warning of earlier states of a model that lie in the directory of its SavedModel, which Pusher copies whole."""
    found = set(_states_below(directory.rstrip('/'))) if directory and fileio.isdir(directory) else set()
    if not found:
        return []
    return [
        f'{directory} holds {len(found)} other states of the model, {min(found)} for one, which Pusher pushes along: '
        'whoever gets them can attack with snapshots. Let the trainer write them to fn_args.model_run_dir; or wire '
        f"{SNAPSHOTS} and limit 'trajectory', to judge what is pushed."
    ]


def _states_below(root: str) -> Iterator[str]:
    """SavedModels inside another, and checkpoints."""
    for parent, directories, files in fileio.walk(root):
        inside = str(parent).rstrip('/')[len(root) :].lstrip('/')
        yield from (f'{inside}/{name}'.strip('/') for name in map(str, directories) if epoch_of(name.strip('/')))
        if _CHECKPOINT in files or (inside and 'saved_model.pb' in files):
            yield inside or _CHECKPOINT


def snapshot_columns(config: PrivacyConfig) -> set[str]:
    """The columns of snapshots that a configured attack asks for."""
    needs = {column for name in config.attacks for column in attack_named(name).needs}
    return {column for column in needs if need_of(column).role == SNAPSHOTS}


def _directories(uri: str) -> dict[int, str]:
    """The snapshots' directories by epoch, ascending."""
    inside = f'{uri}/{SNAPSHOTS_DIRECTORY}'
    root = inside if fileio.exists(inside) else uri
    try:
        names = [str(name).strip('/') for name in fileio.listdir(root)]
    except (OSError, tf.errors.OpError) as error:
        raise PrivacyInputError(f'{SNAPSHOTS}: {root} cannot be read: run Trainer again. {_LAYOUT}.') from error
    found: dict[int, str] = {}
    for name in sorted(names):
        epoch = epoch_of(name)
        if epoch is None:
            continue
        if epoch in found:
            raise PrivacyInputError(
                f'{SNAPSHOTS} has two snapshots of epoch {epoch}, {found[epoch]} and {root}/{name}: nobody knows which '
                'came first. Remove one.'
            )
        if not fileio.exists(f'{root}/{name}/saved_model.pb'):
            raise PrivacyInputError(
                f'{SNAPSHOTS}: {root}/{name} has no saved_model.pb, so it is no SavedModel: a checkpoint of weights '
                'alone cannot be called. Let SnapshotCallback write it again, or remove it.'
            )
        found[epoch] = f'{root}/{name}'
    return dict(sorted(found.items()))


def _check_baseline(config: PrivacyConfig) -> None:
    for name in attacks_on_baseline(config):
        if any(need_of(column).role == SNAPSHOTS for column in attack_named(name).needs):
            raise PrivacyInputError(
                f"a Threshold.absolute limits a change of the attack '{name}', which asks {SNAPSHOTS}, and of the "
                'baseline model there are none: name other attacks in Threshold.attacks.'
            )
