"""What the taxi pipeline's components share: features, splits, slices, metrics and privacy limits."""

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2
from tfx import v1 as tfx

from privacy_component import policy

DENSE_FEATURES = ('fare', 'trip_miles', 'trip_seconds')
CATEGORICAL_FEATURES = (
    'company',
    'dropoff_census_tract',
    'dropoff_community_area',
    'payment_type',
    'pickup_community_area',
    'trip_start_day',
    'trip_start_hour',
    'trip_start_month',
)
TIPS = 'tips'
LABEL = 'big_tipper'
BIG_TIP = 0.2  # of the fare

MIN_ACCURACY = 0.8
MIN_AUC = 0.8

# Hash buckets out of 15,000 trips: about 2,000 members, 4,000 non-members, and the rest for nobody.
SPLIT_BUCKETS = {'train': 2, 'eval': 4, 'holdout': 9}


def transformed_name(feature):
    """Returns the name of a feature after Transform; slices keep reading the raw one."""
    return f'{feature}_xf'


def output_config():
    """Splits the trips by a hash of the whole row, so that a trip never changes its split."""
    splits = [tfx.proto.SplitConfig.Split(name=name, hash_buckets=buckets) for name, buckets in SPLIT_BUCKETS.items()]
    return tfx.proto.Output(split_config=tfx.proto.SplitConfig(splits=splits))


def eval_config():
    """Returns the one tfma.EvalConfig of Evaluator and PrivacyEvaluator."""
    return tfma.EvalConfig(
        model_specs=[
            tfma.ModelSpec(
                signature_name='serving_default',
                label_key=LABEL,
                preprocessing_function_names=['transform_features'],
            )
        ],
        slicing_specs=_slicing_specs(),
        metrics_specs=[
            tfma.MetricsSpec(
                metrics=[
                    tfma.MetricConfig(class_name='ExampleCount'),
                    _metric_above('BinaryAccuracy', MIN_ACCURACY),
                    _metric_above('AUC', MIN_AUC),
                ]
            )
        ],
    )


def privacy_config():
    """Blocks a model if some slice shows an attack AUC above 0.6, or all trips together show a leak in the tails."""
    return policy('standard')


def _slicing_specs():
    """All trips, and those that share a payment type, an hour, a company, or a payment type and a day."""
    crosses = (
        (),
        ('payment_type',),
        ('trip_start_hour',),
        ('company',),
        ('payment_type', 'trip_start_day'),
    )
    return [tfma.SlicingSpec(feature_keys=keys) for keys in crosses]


def _metric_above(class_name, lower_bound):
    """A metric that Evaluator's blessing needs over all trips; a plain threshold would hold for every slice."""
    threshold = tfma.MetricThreshold(value_threshold=tfma.GenericValueThreshold(lower_bound={'value': lower_bound}))
    overall = config_pb2.PerSliceMetricThreshold(slicing_specs=[tfma.SlicingSpec()], threshold=threshold)
    return tfma.MetricConfig(class_name=class_name, per_slice_thresholds=[overall])
