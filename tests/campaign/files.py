"""Example files: damaged at every part of their format, cut short, exchanged, or full of what is no example."""

from __future__ import annotations

import gzip
import shutil
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf

from privacy_component.component import executor
from tests.campaign import worlds
from tests.campaign.case import BLESSING, ERROR, REFUSAL, Case, Rig
from tests.component import world as w

DAMAGED = 'example files: damaged'
CUT = 'example files: cut short'
FOREIGN = 'example files: not what they should be'
RECORDS = 'example files: bad records'
TWICE = 'example files: there twice, or beside others'

_INTACT = 'the bytes belong to no example: the figures are those of the whole file'
_UNNOTICED = 'an uncompressed TFRecord file cut between two records is a whole file; the result says how many it read'

Change = Callable[[bytes], bytes]


def cases() -> Iterator[Case]:
    yield from _damaged_gzip()
    yield from _damaged_plain()
    yield from _cut_gzip()
    yield from _cut_plain()
    yield from _foreign()
    yield from _bad_records()
    yield from _twice()


def _damaged_gzip() -> Iterator[Case]:
    body = {f'{share:.0%} into its data': share for share in (0.02, 0.5, 0.95)}
    for where, place in {'the first shard': ('train', 0), 'a later shard': ('train', 1), 'eval': ('eval', 0)}.items():
        for part, share in body.items():
            yield _file(DAMAGED, f'gzip, {where}, a bit flipped {part}', *place, _flip_at_share(share))
    for part, position in {'magic number': 0, 'second magic byte': 1, 'method': 2}.items():
        yield _file(DAMAGED, f'gzip, a bit flipped in the {part}', 'train', 0, _flip(position))
    yield _file(DAMAGED, 'gzip, a bit flipped in the length at the end', 'train', 0, _flip(-2))
    for part, position in {'time': 5, 'operating system': 9, 'checksum at the end': -6}.items():
        yield _file(DAMAGED, f'gzip, a bit flipped in the {part}', 'train', 0, _flip(position), intact=True)
    yield _file(DAMAGED, 'gzip, the middle is zeros', 'train', 1, _zeros_in_the_middle)


def _damaged_plain() -> Iterator[Case]:
    for number in (0, 99):
        for part in ('length', 'checksum of the length', 'data', 'checksum of the data'):
            name = f'uncompressed, record {number}, a bit flipped in the {part}'
            yield _plain(DAMAGED, name, _in_record(number, part, _flip))


def _cut_gzip() -> Iterator[Case]:
    for size in (0, 1, 9, 10, 12):
        yield _file(CUT, f'gzip, only {size} bytes', 'train', 0, lambda data, n=size: data[:n])
    for share in (0.5, 0.95):
        yield _file(CUT, f'gzip, {share:.0%} of it', 'train', 1, lambda data, s=share: data[: int(len(data) * s)])
    for lost in (1, 4, 8):
        yield _file(CUT, f'gzip, without its last {lost} bytes', 'eval', 0, lambda data, n=lost: data[:-n])
    for kept in (0, 50):
        yield _file(CUT, f'gzip, unfinished after record {kept}', 'train', 0, _unfinished_after(kept))


def _cut_plain() -> Iterator[Case]:
    for part in ('length', 'checksum of the length', 'data', 'checksum of the data'):
        yield _plain(
            CUT, f'uncompressed, within the {part}', _in_record(50, part, lambda i: lambda data: data[: i + 1])
        )
    for kept in (1, 50):
        cut = _in_record(kept, 'length', lambda i: lambda data: data[:i])
        yield _plain(CUT, f'uncompressed, after {kept} records', cut, (BLESSING,), why=_UNNOTICED)
    yield _plain(CUT, 'uncompressed, nothing of the only shard', lambda data: b'', said=("split 'eval' is empty",),
                 split='eval')  # fmt: skip


def _foreign() -> Iterator[Case]:
    contents: dict[str, Change] = {
        'text': lambda data: b'color,label\nred,1\n',
        'an HTML error page': lambda data: b'<html><body>403 Forbidden</body></html>',
        'zeros': lambda data: bytes(len(data)),
        'uncompressed in place of gzip': gzip.decompress,
        'gzip of gzip': gzip.compress,
        'gzip of text': lambda data: gzip.compress(b'color,label\nred,1\n'),
        'gzip of nothing but one byte': lambda data: gzip.compress(b'x'),
        'followed by text': lambda data: data + b'and so on',
        'followed by half of itself': lambda data: data + data[: len(data) // 2],
    }
    for name, change in contents.items():
        yield _file(FOREIGN, f'a shard is {name}', 'train', 0, change)
    yield _plain(FOREIGN, 'gzip in place of uncompressed', gzip.compress)
    yield Case(FOREIGN, 'a shard is a folder', _shard_is_a_folder, mentions=('-00000-of-00002',))
    yield Case(FOREIGN, 'a shard is a link to nowhere', _shard_links_nowhere, mentions=('-00000-of-00002',))
    yield Case(FOREIGN, 'a shard has been lost', lambda rig: rig.shard().unlink(), mentions=('lacks shard 0 of 2',))
    yield Case(
        FOREIGN, 'a shard of another writing', _shard_of_another_writing, mentions=('-of-00003', 'another writing')
    )
    yield Case(FOREIGN, 'an empty marker file', lambda rig: _marker(rig, '_SUCCESS'), mentions=('_SUCCESS',))
    yield Case(FOREIGN, 'a text file', lambda rig: _marker(rig, 'notes.txt', b'read me'), mentions=('notes.txt',))


def _bad_records() -> Iterator[Case]:
    whole = w.serialize(worlds.other_rows()[0])
    kinds = {
        'no protocol buffer': b'\xff\xfe nothing of the kind',
        'half an example': whole[: len(whole) // 2],
        'empty': b'',
        'another message': b'\x0a\x03abc\x12\x03def',
        'an example without features': tf.train.Example().SerializeToString(),
    }
    for where, place in {'the first shard': 0, 'a later shard': 199}.items():
        for name, record in kinds.items():
            yield Case(RECORDS, f'{name}, in {where}', lambda rig, r=record, p=place: _put(rig, r, p))
    for name, record in kinds.items():
        yield Case(
            RECORDS, f'nothing but: {name}', lambda rig, r=record: worlds.replace_records(rig, 'eval', [r] * 200)
        )


def _twice() -> Iterator[Case]:
    """In the leaky world what is read twice, or in another's place, can end in a blessing."""
    beside = ('another writing',)
    backups = {
        'a backup of an editor': '{}~',
        'a backup': '{}.bak',
        'a swap file': '.{}.swp',
        'a copy under a name of its own': 'copy of {}',
        'an unfinished download': '{}.part',
        'a hidden copy': '.{}',
    }
    for name, pattern in backups.items():
        yield Case(TWICE, name, lambda rig, p=pattern: _copy(rig, p.format), mentions=beside, world='leaky')
    other = _renamed('data_tfrecord-00000-of-00001', 'data_tfrecord-00000-of-00003')
    yield Case(TWICE, 'another writing of three shards', _written_again, mentions=beside, world='leaky')
    yield Case(TWICE, 'one shard of another writing', lambda rig: _copy(rig, other), mentions=beside, world='leaky')
    yield Case(TWICE, 'a shard twice, under two numbers', _shard_twice, mentions=('same content',), world='leaky')
    yield Case(TWICE, 'two splits of equal content', _split_twice, mentions=('same content',), world='leaky')
    for name in ('uri', 'id'):
        artifact = lambda rig, n=name: _artifact_twice(rig, n)  # noqa: E731
        yield Case(TWICE, f'two artifacts of one {name}', artifact, mentions=('2 artifacts of',), world='leaky')
    for name, sibling in {'data[1]': 'data1', 'v?': 'v2', 'd*': 'data'}.items():
        pattern = lambda rig, n=name, s=sibling: _beside(rig, n, s)  # noqa: E731
        yield Case(TWICE, f'a folder named {name}, harmless data in {sibling}', pattern, (REFUSAL,), world='leaky',
                   check=_only_its_own)  # fmt: skip


def _copy(rig: Rig, name: Callable[[str], str], split: str = 'eval') -> None:
    path = rig.shard(split)
    path.with_name(name(path.name)).write_bytes(path.read_bytes())


def _renamed(old: str, new: str) -> Callable[[str], str]:
    return lambda name: name.replace(old, new)


def _written_again(rig: Rig) -> None:
    w.write_split(rig.root / 'examples', 'eval', rig.records('eval'), shards=3)


def _shard_twice(rig: Rig) -> None:
    path = rig.shard('eval')
    for number in (0, 1):
        path.with_name(f'data_tfrecord-0000{number}-of-00002.gz').write_bytes(path.read_bytes())
    path.unlink()


def _split_twice(rig: Rig) -> dict[str, Any]:
    examples = rig.root / 'examples'
    shutil.copytree(examples / 'Split-eval', examples / 'Split-test')
    rig.splits = ('train', 'eval', 'test')
    return {'privacy_config': w.config(non_member_splits=('eval', 'test'))}


def _artifact_twice(rig: Rig, what: str) -> dict[str, Any]:
    (one,), (other,) = (rig.inputs()[executor.EXAMPLES_KEY] for _ in range(2))
    if what == 'id':
        shutil.copytree(one.uri, rig.root / 'others')
        one.id = other.id = 7
        other.uri = str(rig.root / 'others')
    else:
        other.uri += '/'
    return {'inputs': rig.inputs() | {executor.EXAMPLES_KEY: [one, other]}}


def _beside(rig: Rig, name: str, sibling: str) -> dict[str, Any]:
    """The leaky examples in a folder whose name is a pattern that its sibling fits, in which nothing leaks."""
    shutil.move(rig.root / 'examples', rig.root / name)
    for split, rows in (('train', worlds.member_rows(0.0)), ('eval', worlds.other_rows()[::-1])):
        w.write_split(rig.root / sibling, split, [w.serialize(row) for row in rows])
    inputs = rig.inputs()
    inputs[executor.EXAMPLES_KEY][0].uri = str(rig.root / name)
    return {'inputs': inputs}


def _only_its_own(rig: Rig, result: Any) -> None:
    _all_read(rig, result)
    assert 'a leak is shown' in ' '.join(result.verdict.reasons)


def _file(family: str, name: str, split: str, number: int, change: Change, intact: bool = False) -> Case:
    def spoil(rig: Rig) -> None:
        _rewrite(rig.shard(split, number), change)

    if intact:
        return Case(family, name, spoil, (ERROR, BLESSING), why=_INTACT, check=_all_read)
    shard = f'Split-{split}/data_tfrecord-{number:05d}'
    return Case(family, name, spoil, mentions=(shard, 'cannot be read'))


def _plain(
    family: str,
    name: str,
    change: Change,
    expects: tuple[str, ...] = (ERROR,),
    said: tuple[str, ...] = ('cannot be read',),
    why: str = '',
    split: str = 'train',
) -> Case:
    def spoil(rig: Rig) -> dict[str, Any]:
        arguments = uncompressed(rig)
        _rewrite(rig.shard(split), change)
        return arguments

    return Case(family, name, spoil, expects, said if expects == (ERROR,) else (), why=why)


def uncompressed(rig: Rig) -> dict[str, Any]:
    """The world with uncompressed example files, and the inputs that say so."""
    for path in (rig.root / 'examples').glob('*/*.gz'):
        path.with_suffix('').write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    inputs = rig.inputs()
    inputs[executor.EXAMPLES_KEY][0].set_string_custom_property('file_format', 'tfrecords')
    return {'inputs': inputs}


def _all_read(rig: Rig, result: Any) -> None:
    assert result.record.num_examples == {'train': worlds.NUM_ROWS, 'eval': worlds.NUM_ROWS}


def _rewrite(path: Path, change: Change) -> None:
    path.write_bytes(change(path.read_bytes()))


def _flip(position: int) -> Change:
    def change(data: bytes) -> bytes:
        at = position % len(data)
        return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]

    return change


def _flip_at_share(share: float) -> Change:
    return lambda data: _flip(12 + int((len(data) - 24) * share))(data)


def _zeros_in_the_middle(data: bytes) -> bytes:
    third = len(data) // 3
    return data[:third] + bytes(third) + data[2 * third :]


def _in_record(number: int, part: str, make: Callable[[int], Change]) -> Change:
    """`make`'s change at a part of the n-th record's framing."""

    def change(data: bytes) -> bytes:
        start = 0
        for _ in range(number):
            start += struct.unpack_from('<Q', data, start)[0] + 16
        size = struct.unpack_from('<Q', data, start)[0]
        offsets = {'length': 0, 'checksum of the length': 8, 'data': 12 + size // 2, 'checksum of the data': 12 + size}
        return make(start + offsets[part])(data)

    return change


def _unfinished_after(num_records: int) -> Change:
    """A gzip stream that stops just after a whole record, so that what is there decompresses without an error."""

    def change(data: bytes) -> bytes:
        whole = gzip.decompress(data)
        kept = _in_record(num_records, 'length', lambda i: lambda d: d[:i])(whole)
        compressor = zlib.compressobj(wbits=31)
        return compressor.compress(kept) + compressor.flush(zlib.Z_SYNC_FLUSH)

    return change


def _shard_is_a_folder(rig: Rig) -> None:
    path = rig.shard()
    path.unlink()
    path.mkdir()


def _shard_links_nowhere(rig: Rig) -> None:
    path = rig.shard()
    path.unlink()
    path.symlink_to(rig.root / 'nowhere')


def _shard_of_another_writing(rig: Rig) -> None:
    path = rig.shard()
    path.with_name(path.name.replace('-of-00002', '-of-00003')).write_bytes(path.read_bytes())


def _marker(rig: Rig, name: str, content: bytes = b'') -> None:
    (rig.root / 'examples' / 'Split-train' / name).write_bytes(content)


def _put(rig: Rig, record: bytes, place: int) -> None:
    records = [w.serialize(row) for row in worlds.member_rows(0.0)]
    records[place] = record
    worlds.replace_records(rig, 'train', records)
