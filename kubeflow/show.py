"""A step after PrivacyEvaluator that shows its report, figures and ROC curve in Kubeflow's UI.

The UI draws what is of its own types: system.HTML, system.Metrics and system.ClassificationMetrics. A TFX component
cannot give them: its artifacts are directories, and their metadata are flat, while the curve is a list. So a component
of kfp makes them of privacy_metrics.
"""

from google.protobuf import json_format
from kfp import dsl

TASK, EXECUTOR = 'PrivacyReport', 'PrivacyReport_executor'  # task and component have one name, as TFX has it


def show_privacy(
    privacy_metrics: dsl.Input[dsl.Artifact],
    report: dsl.Output[dsl.HTML],
    figures: dsl.Output[dsl.Metrics],
    roc: dsl.Output[dsl.ClassificationMetrics],
):
    """Copies the report, and gives the headline figures and the ROC curve of the worst slice and attack."""
    # kfp copies this function alone into the step, so it imports what it needs.
    import pathlib
    import shutil

    from privacy_component import PrivacyResult
    from privacy_component.component.publish import headline
    from privacy_component.gate.worst import worst_of

    folder = pathlib.Path(privacy_metrics.path)
    pathlib.Path(report.path).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / 'report.html', report.path)
    result = PrivacyResult.load(folder / 'privacy_metrics.json')
    figures.metadata.update(headline(result))
    _, worst = worst_of(result.verdict.comparisons if result.verdict else (), result.results)
    if worst is None or worst.curve is None:
        return
    curve = worst.curve
    rates = zip(curve.false_positives / curve.num_non_members, curve.true_positives / curve.num_members, strict=True)
    flagged = (curve.false_positives + curve.true_positives) / (curve.num_non_members + curve.num_members)
    for (false_positive_rate, true_positive_rate), share in zip(rates, flagged, strict=True):
        # Scores are not kept with a curve: a threshold is told by the share of the examples that lies below it.
        roc.log_roc_data_point(float(false_positive_rate), float(true_positive_rate), float(1 - share))


def with_report(spec, image, producer='PrivacyEvaluator'):
    """Adds the step to a compiled pipeline.

    Args:
      spec: a PipelineSpec of schema 2.0 or 2.1 as a dict, as TFX compiles it.
      image: one with kfp, TFX and this project, such as that of the other steps.
      producer: the id of PrivacyEvaluator.

    Returns:
      The spec with one step more; without PrivacyEvaluator the spec as it is.
    """
    tasks = spec['root']['dag']['tasks']
    if producer not in tasks:
        return spec
    made = dsl.component(base_image=image, install_kfp_package=False)(show_privacy)
    compiled = json_format.MessageToDict(made.pipeline_spec)
    (component,) = compiled['components'].values()
    (executor,) = compiled['deploymentSpec']['executors'].values()
    source = {'taskOutputArtifact': {'producerTask': producer, 'outputArtifactKey': 'privacy_metrics'}}
    task = {
        'taskInfo': {'name': TASK},
        'componentRef': {'name': TASK},
        'inputs': {'artifacts': {'privacy_metrics': source}},
        'dependentTasks': [producer],
        'cachingOptions': {'enableCache': True},
    }
    deployment = spec['deploymentSpec']
    return spec | {
        'components': spec['components'] | {TASK: component | {'executorLabel': EXECUTOR}},
        'deploymentSpec': deployment | {'executors': deployment['executors'] | {EXECUTOR: executor}},
        'root': spec['root'] | {'dag': spec['root']['dag'] | {'tasks': tasks | {TASK: task}}},
    }
