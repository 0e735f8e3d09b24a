"""The command of every step: TFX's own entrypoint, with what open-source Kubeflow Pipelines leaves out filled in.

Vertex AI says of which type each input artifact is. Open-source Kubeflow Pipelines does not, and TFX's entrypoint
then fails (tensorflow/tfx issue 7768), although the types are in its other argument.
"""

import json
import runpy
import sys

TFX_ENTRYPOINT = 'tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor'
INVOCATION = '--json_serialized_invocation_args'
INPUTS_SPEC = '--json_serialized_inputs_spec_args'


def main():
    """Runs the executor named on the command line."""
    sys.argv = with_typed_inputs(sys.argv)
    runpy.run_module(TFX_ENTRYPOINT, run_name='__main__', alter_sys=True)


def with_typed_inputs(argv):
    """Gives every input artifact its type.

    Args:
      argv: a step's command line.

    Returns:
      The same, with the types of INPUTS_SPEC in INVOCATION where it has none.
    """
    if INPUTS_SPEC not in argv:
        return argv
    value = argv.index(INVOCATION) + 1
    invocation = json.loads(argv[value])
    declared = json.loads(argv[argv.index(INPUTS_SPEC) + 1]).get('artifacts', {})
    for name, inputs in invocation.get('inputs', {}).get('artifacts', {}).items():
        for artifact in inputs.get('artifacts', []):
            if not any(artifact.get('type', {}).values()):
                artifact['type'] = declared[name]['artifactType']
    return [*argv[:value], json.dumps(invocation), *argv[value + 1 :]]


if __name__ == '__main__':
    main()
