import numpy as np
import pytest

from privacy_component.errors import PrivacyInputError
from privacy_component.observations.columns import (
    MISSING_VALUE,
    Column,
    correct_column,
    loss_percentile_column,
    multilabel_column,
    with_missing,
)
from privacy_component.observations.slicing import OVERALL, SlicingSpec, each_once, slice_name, slice_rows


def as_sets(slices):
    return {key: set(slices.rows[slices.codes == code].tolist()) for code, key in enumerate(slices.keys)}


def naive_slices(spec, features, num_rows):
    """Every row into every slice that it belongs to, one by one."""
    found = {}
    for row in range(num_rows):
        keys = [()]
        for name in spec.features:
            values = set(features[name][row])
            if name in spec.feature_values:
                values &= {spec.feature_values[name]}
            keys = [(*key, (name, value)) for key in keys for value in values]
        for key in keys:
            found.setdefault(key, set()).add(row)
    return found


def column(lists):
    vocabulary = sorted({value for values in lists for value in values})
    rows = np.array([row for row, values in enumerate(lists) for _ in values], int)
    codes = np.array([vocabulary.index(value) for values in lists for value in values], int)
    return Column.from_entries(rows, codes, vocabulary)


SPECS = [
    SlicingSpec(),
    SlicingSpec(('one',)),
    SlicingSpec(('some',)),
    SlicingSpec(('many',)),
    SlicingSpec(('one', 'many')),
    SlicingSpec(('some', 'many', 'one')),
    SlicingSpec((), {'one': 2}),
    SlicingSpec(('many',), {'some': 1}),
    SlicingSpec((), {'one': 99}),
]


@pytest.mark.parametrize('spec', SPECS, ids=str)
def test_equals_a_naive_twin(spec):
    rng = np.random.default_rng(0)
    n = 200
    features = {
        'one': [[int(value)] for value in rng.integers(0, 4, n)],
        'some': [[int(value)] if value < 3 else [] for value in rng.integers(0, 5, n)],
        'many': [rng.integers(0, 3, rng.integers(0, 4)).tolist() for _ in range(n)],
    }
    columns = {name: column(values) for name, values in features.items()}
    columns['one'] = Column.from_values([values[0] for values in features['one']])
    expected = naive_slices(spec, features, n) if spec.features else {OVERALL: set(range(n))}
    assert as_sets(slice_rows(spec, columns, n)) == expected


@pytest.mark.parametrize(
    ('dtype', 'expected'),
    [(np.int8, 1), (np.uint8, 1), (np.uint64, 1), (np.float32, 1), ('<U8', '1'), (object, 1), (bool, 1)],
)
def test_values_of_any_type(dtype, expected):
    found = Column.from_values(np.array([1, 0, 1, 1], dtype))
    assert [found.vocabulary[code] == expected for code in found.codes] == [True, False, True, True]
    assert type(found.vocabulary[1]) is type(expected)


@pytest.mark.parametrize(
    'values',
    [
        np.array([-128, 127, 0] * 200, np.int8),
        np.array([2**63 + 5, 2**63, 2**64 - 1] * 3, np.uint64),
        np.array([-(2**63), 2**63 - 1, 0], np.int64),
        np.array([2**63 + 5, 2**63, 2**63 + 1, 2**63] * 3, np.uint64),
        np.array([-7, -5, -7, -6]),
    ],
)
def test_whole_numbers_of_any_range(values):
    found = Column.from_values(values)
    assert [found.vocabulary[code] for code in found.codes] == values.tolist()
    assert list(found.vocabulary) == sorted(set(values.tolist()))


def test_none_and_nan_are_no_value():
    for values in (np.array([1.5, np.nan, 1.5]), np.array(['a', None, 'a'], object), np.array([2, np.nan, 2], object)):
        found = Column.from_values(values)
        assert found.rows.tolist() == [0, 2]
        assert len(found.vocabulary) == 1


@pytest.mark.parametrize('share', [0.0, 0.3, 1.0])
@pytest.mark.parametrize('text', ['', MISSING_VALUE])
def test_rows_without_a_value_equal_a_naive_twin(share, text):
    rng = np.random.default_rng(2)
    lists = [[] if rng.random() < share else [text, 'b'][: rng.integers(1, 3)] for _ in range(50)]
    found = with_missing(column(lists), 50)
    expected = naive_slices(SlicingSpec(('x',)), {'x': [values or [MISSING_VALUE] for values in lists]}, 50)
    assert as_sets(slice_rows(SlicingSpec(('x',)), {'x': found}, 50)) == expected
    assert (np.diff(found.rows) >= 0).all()


def test_a_column_without_a_gap_is_itself():
    full = Column.from_values(['a', 'b'])
    assert with_missing(full, 2) is full


def test_values_of_several_types_become_text():
    assert Column.from_values(np.array(['a', 1, 2.5], object)).vocabulary == ('1', '2.5', 'a')


def test_bytes_become_text():
    assert Column.from_values([b'cash', b'card']).vocabulary == ('card', 'cash')


ASKED_TWICE = [
    [SlicingSpec(('one',)), SlicingSpec((), {'one': 2})],
    [SlicingSpec((), {'one': 2}), SlicingSpec(('one',))],
    [SlicingSpec(('one', 'many')), SlicingSpec(('many', 'one')), SlicingSpec(('many',), {'one': 1})],
    [SlicingSpec((), {'one': 2}), SlicingSpec((), {'one': '2'}), SlicingSpec((), {'one': 2.0}), SlicingSpec(('one',))],
    [SlicingSpec(), SlicingSpec(('one',)), SlicingSpec(), SlicingSpec(('one', 'one'))],
]


@pytest.mark.parametrize('specs', ASKED_TWICE, ids=lambda specs: ', '.join(map(str, specs)))
def test_a_slice_that_is_asked_for_twice_is_one_slice(specs):
    rng = np.random.default_rng(3)
    n = 100
    columns = {
        'one': Column.from_values(rng.integers(0, 4, n)),
        'many': column([rng.integers(0, 3, rng.integers(0, 4)).tolist() for _ in range(n)]),
    }
    expected = {key: rows for spec in specs for key, rows in as_sets(slice_rows(spec, columns, n)).items()}
    found = each_once(slice_rows(spec, columns, n) for spec in specs)
    keys = [key for part in found for key in part.keys]
    assert len(keys) == len(set(keys))
    assert {key: rows for part in found for key, rows in as_sets(part).items()} == expected
    assert sum(len(part.rows) for part in found) == sum(map(len, expected.values()))


def test_values_that_are_written_alike_are_one_value():
    for found in (
        Column.from_values([b'\xff', b'\\xff', b'a']),
        Column.from_entries(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2]), [b'\xff', b'\\xff', b'a']),
    ):
        assert sorted(found.vocabulary) == ['\\xff', 'a']
        assert len(found.rows) == 3


LOOK_ALIKE = [
    ('1.10', '1.1'), ('02134', '2134'), ('1e3', '1000'), ('1_0', '10'), (' 7', '7'), ('7', '7 '), ('1e400', 'inf'),
    (str(2**53 + 1), str(2**53)), ('+7', '7'), ('-0', '0'), ('1.0', '1'), ('nan', 'NaN'), ('٣', '3'), ('3', 3),
    (1.1, '1.1'), (10, '10'), (2**53 + 1, 2**53), (2**63, 2**63 - 1), (str(2**53 + 1), 2**53),
    ('1e3', 1000), ('1.0e400', 'inf'),
]  # fmt: skip


@pytest.mark.parametrize(('wanted', 'held'), LOOK_ALIKE)
def test_values_that_only_look_alike_are_different_slices(wanted, held):
    for one, other in ((wanted, held), (held, wanted)):
        if isinstance(one, str) and not isinstance(other, str) and one == str(other):
            continue  # the text of a spec can stand for a number
        found = slice_rows(SlicingSpec((), {'x': one}), {'x': Column.from_values([other, other])}, 2)
        assert not len(found.rows)
        assert not SlicingSpec((), {'x': one}).matches((('x', other),))


@pytest.mark.parametrize(
    ('wanted', 'held'),
    [('3', 3), ('3.0', 3), ('1.10', 1.1), ('1.1', 1.1), (1.1, 1.1), (3.0, 3), (True, 1), (str(2**53 + 1), 2**53 + 1),
     ('0.1', np.float32(0.1)), (0.1, np.float32(0.1)), ('-1.5', -1.5), ('inf', np.inf), ('red', 'red'), ('', '')],
)  # fmt: skip
def test_a_spec_names_the_value_that_it_stands_for(wanted, held):
    found = slice_rows(SlicingSpec((), {'x': wanted}), {'x': Column.from_values(np.array([held]))}, 1)
    assert len(found.rows) == 1
    assert SlicingSpec((), {'x': wanted}).matches(found.keys[0])


@pytest.mark.parametrize(
    'text', ['1.10', '3', '3.0', '1e3', '1_0', ' 7', '02134', '1e400', '1.0e400', 'inf', '-0', '-.5', 'a.b']
)
def test_texts_stand_for_the_numbers_that_tfma_reads(text):
    slicer = pytest.importorskip('tensorflow_model_analysis.slicer.slicer_lib')
    theirs = slicer.SingleSliceSpec(spec=None, features=[('x', text)])
    for number in (1.1, 3, 1000, 10, 7, 2134, 0, -0.5):
        assert SlicingSpec((), {'x': text}).matches((('x', number),)) == theirs.is_slice_applicable((('x', number),))


@pytest.mark.parametrize('value', [float('nan'), float('inf'), 10**400, None, ['a'], b'a'])
def test_what_no_feature_can_hold_names_no_slice(value):
    with pytest.raises(PrivacyInputError, match='feature_values is '):
        SlicingSpec((), {'x': value})


def test_unknown_feature_is_named():
    with pytest.raises(PrivacyInputError, match="no feature 'payment'; the features are cash, card"):
        slice_rows(SlicingSpec(('payment',)), {'cash': correct_column(np.ones(3, bool)), 'card': None}, 3)


def test_loss_percentiles_equal_a_naive_twin():
    rng = np.random.default_rng(1)
    for losses in (rng.standard_normal(1_000), rng.integers(0, 25, 500) / 5.0, np.zeros(30), np.arange(11.0)):
        edges = np.percentile(losses, np.arange(0, 101, 10))
        expected = {}
        for i in range(10):
            inside = {row for row, loss in enumerate(losses) if edges[i] <= loss <= edges[i + 1]}
            if inside:
                expected[(('@p', f'{10 * i}-{10 * i + 10}'),)] = inside
        assert (
            as_sets(slice_rows(SlicingSpec(('@p',)), {'@p': loss_percentile_column(losses)}, len(losses))) == expected
        )


def test_labels_of_a_multilabel_model():
    found = multilabel_column(np.array([[True, True], [False, False], [False, True]]))
    expected = {(('@class', 0),): {0}, (('@class', 1),): {0, 2}}
    assert as_sets(slice_rows(SlicingSpec(('@class',)), {'@class': found}, 3)) == expected


def test_names_as_people_read_them():
    assert slice_name(()) == 'Overall'
    assert slice_name((('@class', 3), ('hour', 'noon'))) == 'class = 3, hour = noon'
