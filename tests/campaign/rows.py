"""Labels, splits and slices: values that are missing, of another type, out of range, exchanged, or hostile."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from privacy_component import PrivacyResult, SlicingSpec
from tests.campaign import worlds
from tests.campaign.case import ERROR, REFUSAL, Case, Rig
from tests.component import world as w

LABELS = 'labels'
SPLITS = 'splits'
COPIES = 'splits: copies that do not look alike'
SLICES = 'slices'
HOSTILE = 'slices: hostile names'

_LATER = worlds.NUM_ROWS - 1  # rows take turns in the members' two shards, so the last is in the second


def cases() -> Iterator[Case]:
    yield from _labels()
    yield from _exchanged_labels()
    yield from _splits()
    yield from _copies()
    yield from _slices()
    yield from _hostile()


def _labels() -> Iterator[Case]:
    values: dict[str, Any] = {
        'missing': None,
        'two values': [0, 1],
        'text': 'class 1',
        'a digit as text': '1',
        'not UTF-8': b'\xff\xfe',
        'negative': -1,
        'beyond the last class': 3,
        'huge': 2**62,
        'a fraction': 0.5,
        'NaN': float('nan'),
        'infinity': float('inf'),
    }
    for name, value in values.items():
        everywhere = _relabelled(lambda i, label, v=value: v)
        yield Case(LABELS, f'{name}, always', everywhere, mentions=("label_key 'label'",))
        one = _relabelled(lambda i, label, v=value: v if i == _LATER else label)
        yield Case(LABELS, f'{name}, for one in a later shard', one, mentions=('label',))
    for name, value in {'a fraction': 0.5, 'NaN': float('nan'), 'infinity': float('inf')}.items():
        one = _relabelled(lambda i, label, v=value: v if i == _LATER else float(label))
        yield Case(LABELS, f'{name} among whole floats, in a later shard', one, mentions=("label_key 'label'",))
    floats = _relabelled(lambda i, label: float(label), leak=3.0)
    yield Case(LABELS, 'whole numbers as floats', floats, (REFUSAL,), world='leaky')
    yield Case(LABELS, 'floats for members only', _relabelled(lambda i, label: float(label), splits=('train',)))
    yield from _one_label()


def _one_label() -> Iterator[Case]:
    """A leak that labels hide because they are the same for all, or somebody else's."""
    same = ('the same label',)
    yield Case(LABELS, 'one class', _relabelled(lambda i, label: 1, leak=3.0), (REFUSAL,), same, 'leaky')
    for task, label in {'multilabel': [1, 1, 1], 'regression': 1.5}.items():
        config = w.config(outputs={'task': task}, attacks=('loss_threshold',))

        def spoil(rig: Rig, label: Any = label, config: Any = config, width: int = np.size(label)) -> dict[str, Any]:
            _relabelled(lambda i, _: label, leak=3.0)(rig)
            worlds.save(rig, worlds.Scaled(lambda z: {'outputs': z[:, :width]}))
            return {'privacy_config': config}

        yield Case(LABELS, f'one label for all, {task}', spoil, (REFUSAL,), same, 'leaky')
    yield Case(LABELS, "another row's, in either split", _labels_of_others, (REFUSAL,), ('do not belong',), 'leaky')


def _labels_of_others(rig: Rig) -> None:
    for split, rows in (('train', worlds.member_rows(3.0)), ('eval', worlds.other_rows())):
        moved = np.random.default_rng(4).permutation([row['label'] for row in rows]).tolist()
        worlds.replace(rig, split, [row | {'label': label} for row, label in zip(rows, moved, strict=True)])


def _relabelled(
    relabel: Callable[[int, int], Any], splits: tuple[str, ...] = ('train', 'eval'), leak: float = 0.0
) -> Callable[[Rig], None]:
    """Gives rows the label `relabel(row number, label)`."""

    def spoil(rig: Rig) -> None:
        for split, rows in (('train', worlds.member_rows(leak)), ('eval', worlds.other_rows())):
            if split in splits:
                worlds.replace(rig, split, [r | {'label': relabel(i, r['label'])} for i, r in enumerate(rows)])

    return spoil


def _exchanged_labels() -> Iterator[Case]:
    """A leak that shows the other way round."""
    for splits in (('train',), ('train', 'eval')):
        whose = "members'" if splits == ('train',) else "everybody's"
        moved = _relabelled(lambda i, label: (label + 1) % w.NUM_CLASSES, splits, leak=3.0)
        yield Case(LABELS, f'{whose} labels are those of the next class', moved, (REFUSAL,), ('reversed',), 'leaky')
    yield Case(LABELS, "members' labels are drawn by lot", _drawn_by_lot, (REFUSAL,), ('do not belong',), 'leaky')


def _drawn_by_lot(rig: Rig) -> None:
    rows = worlds.make_rows(1000, 1, leak=3.0)
    drawn = np.random.default_rng(3).integers(w.NUM_CLASSES, size=len(rows)).tolist()
    worlds.replace(rig, 'train', [row | {'label': label} for row, label in zip(rows, drawn, strict=True)])


def _splits() -> Iterator[Case]:
    for split in ('train', 'eval'):
        yield Case(SPLITS, f'{split} is empty', lambda rig, s=split: worlds.replace(rig, s, []), mentions=(split,))
        for size in (1, 5):
            few = _cut(split, size)
            yield Case(SPLITS, f'{split} has {size} examples', few, (REFUSAL, ERROR), ('at least 30',))
    configs: dict[str, tuple[dict[str, Any], str]] = {
        'an unknown split': ({'member_splits': ('training',)}, 'training'),
        'an unknown split besides': ({'non_member_splits': ('eval', 'test')}, 'test'),
        'a path as a split': ({'member_splits': ('../../etc',)}, '../../etc'),
    }
    for name, (change, words) in configs.items():
        yield Case(SPLITS, name, lambda rig, c=change: {'privacy_config': w.config(**c)}, mentions=(words,))
    both = json.dumps(json.loads(w.config().to_json()) | {'member_splits': ['eval']})
    yield Case(SPLITS, 'one split on both sides', lambda rig: {'privacy_config': both}, mentions=("'eval' is in both",))
    exchanged = w.config(member_splits=('eval',), non_member_splits=('train',))
    yield Case(SPLITS, 'names exchanged in the config', lambda rig: {'privacy_config': exchanged}, (REFUSAL,),
               ('exchanged',), 'leaky')  # fmt: skip
    yield Case(SPLITS, 'files exchanged on disk', _exchange, (REFUSAL,), ('exchanged',), 'leaky')
    yield Case(SPLITS, 'half of the non-members are members', _half_members, (REFUSAL,), world='leaky')
    yield Case(SPLITS, 'the same files on both sides', _same_files, mentions=('same content',), world='leaky')
    yield Case(SPLITS, 'the same examples on both sides', _same_examples, (REFUSAL,), ('stand among',), world='leaky')
    yield Case(SPLITS, 'non-members are copies of one another', _copied_non_members, (REFUSAL,), world='leaky',
               check=_copies_are_named)  # fmt: skip


def _copies() -> Iterator[Case]:
    """The leaky world's members on either side; those who stand for non-members are written otherwise."""
    changes: dict[str, Callable[[int, dict], dict]] = {
        'with an id of its own in each': lambda i, row: row | {'uuid': f'{i:032x}'},
        'with a counter': lambda i, row: row | {'row': i},
        'with a space after a text': lambda i, row: row | {'note': 'a text '},
        'in capitals': lambda i, row: row | {'note': 'A TEXT'},
        'a whole number written as a float': lambda i, row: row | {'number': 3.0},
        'a number that differs by a millionth': lambda i, row: row | {'logits': _moved(row, i, 1e-6)},
        'numbers that differ by a thousandth': lambda i, row: row | {'logits': _moved(row, i, 1e-3)},
        'an answer that differs in its last bits': lambda i, row: row | {'logits': _moved(row, i, 1e-7)},
    }
    for name, change in changes.items():
        copies = lambda rig, c=change: _write_copies(rig, c)  # noqa: E731
        yield Case(COPIES, name, copies, (REFUSAL,), ('copies of members',), 'leaky')
    yield Case(COPIES, 'lists that are not packed', _unpacked, (REFUSAL,), ('copies of members',), 'leaky')


def _moved(row: dict, number: int, most: float) -> list[float]:
    moves = np.random.default_rng(number).uniform(-most, most, len(row['logits']))
    return (np.array(row['logits']) + moves).tolist()


def _write_copies(rig: Rig, change: Callable[[int, dict], dict]) -> None:
    members = [row | {'note': 'a text', 'number': 3} for row in worlds.member_rows(3.0)]
    for split, rows in (('train', members), ('eval', [change(i, row) for i, row in enumerate(members)])):
        # What differs in type from split to split would be an error if anything but the checks read it.
        worlds.replace(rig, split, rows)


def _unpacked(rig: Rig) -> None:
    """Each value of a list in a field of its own, as some writers have it: the same message, in other bytes."""
    worlds.replace_records(rig, 'eval', [_unpack(record) for record in rig.records('train')])


def _unpack(record: bytes) -> bytes:
    features = tf.train.Example.FromString(record).features.feature
    parts = []
    for name, feature in features.items():
        if name != 'logits':
            whole = tf.train.Features(feature={name: feature}).SerializeToString()
            parts.append(whole)
            continue
        numbers = b''.join(b'\x0d' + struct.pack('<f', value) for value in feature.float_list.value)
        one = b'\x12' + bytes([len(numbers)]) + numbers  # float_list of tf.train.Feature
        entry = b'\x0a' + bytes([len(name)]) + name.encode() + b'\x12' + bytes([len(one)]) + one
        parts.append(b'\x0a' + bytes([len(entry)]) + entry)
    body = b''.join(parts)
    assert len(body) < 128
    return b'\x0a' + bytes([len(body)]) + body


def _cut(split: str, size: int) -> Callable[[Rig], None]:
    def spoil(rig: Rig) -> None:
        worlds.replace_records(rig, split, rig.records(split)[:size])

    return spoil


def _exchange(rig: Rig) -> None:
    examples = rig.root / 'examples'
    (examples / 'Split-train').rename(examples / 'aside')
    (examples / 'Split-eval').rename(examples / 'Split-train')
    (examples / 'aside').rename(examples / 'Split-eval')


def _half_members(rig: Rig) -> None:
    half = worlds.NUM_ROWS // 2
    worlds.replace(rig, 'eval', [*worlds.other_rows()[:half], *worlds.member_rows(3.0)[:half]])


def _same_files(rig: Rig) -> None:
    examples = rig.root / 'examples'
    shutil.rmtree(examples / 'Split-eval')
    shutil.copytree(examples / 'Split-train', examples / 'Split-eval')


def _same_examples(rig: Rig) -> None:
    worlds.replace_records(rig, 'eval', rig.records('train'))


def _copied_non_members(rig: Rig) -> None:
    worlds.replace_records(rig, 'eval', rig.records('eval')[:20] * 10)


def _copies_are_named(rig: Rig, result: PrivacyResult) -> None:
    assert any('200 of 200 non-members (100 %) are like another' in warning for warning in result.verdict.warnings)


def _slices() -> Iterator[Case]:
    few = {'privacy_config': w.config(slices={'max_slices': 5})}
    yield Case(SLICES, 'more than allowed', lambda rig: few, mentions=('5 slices',))
    yield Case(SLICES, 'one for each example', _colored(lambda i, c: f'id {i}'), (REFUSAL,), world='leaky')
    yield Case(SLICES, 'no member has the feature', _colored(lambda i, c: None, ('train',)), (REFUSAL,), world='leaky')
    yield Case(SLICES, 'nobody has the feature', _colored(lambda i, c: None), mentions=("'color'",), world='leaky')
    yield Case(SLICES, 'several values', _colored(lambda i, c: [c, 'any', c]), (REFUSAL,), world='leaky')
    yield Case(SLICES, 'numbers for members, text for others', _colored(lambda i, c: i % 3, ('train',)), world='leaky')
    one = _colored(lambda i, c: 7 if i == _LATER else c, ('train',))
    yield Case(SLICES, 'a number among texts, in a later shard', one, mentions=('in all splits',), world='leaky')
    nan = _colored(lambda i, c: float('nan') if i % 2 else 1.5)
    yield Case(SLICES, 'NaN among numbers', nan, (REFUSAL,), world='leaky')
    numbers = [0.0, -0.0, 1e308, 5e-324, float('inf'), 0.1, 1 / 3]
    odd = _colored(lambda i, c: numbers[i % len(numbers)])
    yield Case(SLICES, 'numbers at the ends of their range', odd, (REFUSAL, ERROR), world='leaky')
    whole = _colored(lambda i, c: (2**63 - 1, -(2**63), 0)[i % 3])
    yield Case(SLICES, 'whole numbers at the ends of their range', whole, (REFUSAL,), world='leaky')


def _colored(recolor: Callable[[int, str], Any], splits: tuple[str, ...] = ('train', 'eval')) -> Callable[[Rig], None]:
    """Gives the leaky world's rows the color `recolor(row number, color)`."""

    def spoil(rig: Rig) -> None:
        for split, rows in (('train', worlds.member_rows(3.0)), ('eval', worlds.other_rows())):
            if split in splits:
                worlds.replace(rig, split, [r | {'color': recolor(i, r['color'])} for i, r in enumerate(rows)])

    return spoil


_HOSTILE_NAMES: dict[str, Any] = {
    'a script': '<script>alert(1)</script>',
    'a broken attribute': '"><img src=x onerror=alert(1)>',
    'a closed script': '</script><script>alert(1)//',
    'a template': '{{ 7 * 7 }}{% raw %}',
    'SQL': "'; DROP TABLE artifacts; --",
    'a path': '../../../../etc/passwd',
    'newlines': 'red\nblue\r\ngreen',
    'NUL': 'red\x00blue',
    'terminal control': '\x1b[2J\x1b]0;owned\x07',
    'right to left': '\u202eder\u202c',
    'emoji': '👩‍👩‍👧‍👦🔥',
    'not UTF-8': b'\xff\xfe\x00red',
    'empty': '',
    '10,000 characters': 'x' * 10_000,
    'the name of all': 'Overall',
    'a format': '%s%n{0}{x!r}',
}


def _hostile() -> Iterator[Case]:
    for name, value in _HOSTILE_NAMES.items():
        spoil = _colored(lambda i, c, v=value: v if c == w.LEAKY_COLOR else c)
        yield Case(HOSTILE, f'a value: {name}', spoil, (REFUSAL,), world='leaky', check=_harmless(value))
    for name in ('a script', 'a path', 'newlines', '10,000 characters'):
        feature = _HOSTILE_NAMES[name]
        spoil = lambda rig, f=feature: _named(rig, f)  # noqa: E731
        yield Case(HOSTILE, f'a feature: {name}', spoil, (REFUSAL,), world='leaky', check=_harmless(feature))
    for derived in ('@class', '@correct', '@loss_percentile'):
        spoil = lambda rig, f=derived: _named(rig, f)  # noqa: E731
        yield Case(HOSTILE, f'a feature: {derived}', spoil, (REFUSAL, ERROR), world='leaky')


def _named(rig: Rig, feature: str) -> dict[str, Any]:
    for split, rows in (('train', worlds.member_rows(3.0)), ('eval', worlds.other_rows())):
        worlds.replace(rig, split, [row | {feature: row['color']} for row in rows])
    return {'privacy_config': w.config(slicing_specs=(SlicingSpec((feature,)),))}


def _harmless(value: str | bytes) -> Callable[[Rig, PrivacyResult], None]:
    """The slice is there under its own name, and its name does nothing in the report."""
    name = value.decode('utf-8', 'backslashreplace') if isinstance(value, bytes) else value

    def check(rig: Rig, result: PrivacyResult) -> None:
        assert any(name in pair for r in result.results for pair in r.slice_key)
        page = rig.metrics_dir.joinpath('report.html').read_text()
        assert not ('<' in name and name in page)
        assert '<script>alert' not in page
        assert 'owned' not in name or '\x1b' not in page

    return check
