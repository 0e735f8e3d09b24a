"""Options with which PrivacyEvaluator's Beam job runs on Dataflow."""

from __future__ import annotations

from privacy_component.errors import PrivacyInputError


def dataflow_pipeline_args(
    project: str,
    region: str,
    *,
    location: str,
    image: str,
    machine_type: str = 'n2-standard-4',
    max_workers: int = 20,
    subnetwork: str = '',
    service_account: str = '',
    public_ips: bool = False,
) -> list[str]:
    """The beam_pipeline_args of a component whose job runs on Dataflow, for `with_beam_pipeline_args`.

    Workers have Runner v2, which custom images need, and no public addresses: their subnetwork must have Private
    Google Access. How to choose machines is in docs/dataflow.md.

    Args:
      project: id of the Google Cloud project.
      region: where the workers run; best where the examples are.
      location: gs:// path for temporary files and what is staged.
      image: what the workers run. It holds this package and the TFX, TensorFlow and Beam of the machine that starts
        the job: the image of the pipeline's steps does.
      machine_type: of each worker.
      max_workers: at most so many of them.
      subnetwork: 'regions/REGION/subnetworks/NAME'; '' for the region's default.
      service_account: whose rights the workers have; '' for the project's default.
      public_ips: whether workers have public addresses.

    Raises:
      PrivacyInputError: something that Dataflow needs is empty, or location is no gs:// path.
    """
    given = {'project': project, 'region': region, 'image': image, 'machine_type': machine_type}
    for name, value in given.items():
        if not value or value != value.strip():
            raise PrivacyInputError(f'dataflow_pipeline_args: {name} is {value!r}: name one, without blanks.')
    if not location.removeprefix('gs://').strip('/') or not location.startswith('gs://'):
        raise PrivacyInputError(
            f'dataflow_pipeline_args: location is {location!r}: give a folder in a bucket, gs://BUCKET/FOLDER.'
        )
    if max_workers < 1:
        raise PrivacyInputError(f'dataflow_pipeline_args: max_workers is {max_workers}: one at least is needed.')
    root = location.rstrip('/')
    args = [
        '--runner=DataflowRunner',
        f'--project={project}',
        f'--region={region}',
        f'--temp_location={root}/temp',
        f'--staging_location={root}/staging',
        # Without an image TFX packages its own source for the workers, and this package is not in it.
        f'--sdk_container_image={image}',
        '--experiments=use_runner_v2',
        f'--machine_type={machine_type}',
        f'--max_num_workers={max_workers}',
    ]
    if not public_ips:
        args.append('--no_use_public_ips')
    if subnetwork:
        args.append(f'--subnetwork={subnetwork}')
    if service_account:
        args.append(f'--service_account_email={service_account}')
    return args
