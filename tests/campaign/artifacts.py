"""Artifacts and the files in them: missing, empty, damaged, too many."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf
from tfx.types import standard_artifacts

from privacy_component.component import executor
from tests.campaign import worlds
from tests.campaign.case import BLESSING, ERROR, Case, Rig
from tests.component import world as w

MODEL = 'model: missing or damaged'
EXAMPLES = 'examples: missing'
SCHEMA = 'schema: missing or damaged'
TRANSFORM = 'transform_graph: missing or damaged'
CHANGED = 'inputs: changed while they are evaluated'

_TRANSFORMED = 'tight, with a transform_graph'
_NOT_READ = 'nothing reads it'

Damage = Callable[[Path], object]


def cases() -> Iterator[Case]:
    yield from _models()
    yield from _examples()
    yield from _schemas()
    yield from _transform_graphs()
    yield from _changed()


def _half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))


def _lose(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


_DAMAGES: dict[str, Damage] = {
    'missing': _lose,
    'empty': lambda path: path.write_bytes(b''),
    'cut in half': _half,
    'text': lambda path: path.write_text('not found\n'),
    'a folder': lambda path: (path.unlink(), path.mkdir()),
}


def _damaged(family: str, world: str, folder: str, part: str, how: str, mentions: tuple[str, ...], **rest: Any) -> Case:
    name = f'{part} is {how}' + (' (called by TFMA)' if 'TFMA' in world else '')
    arguments = rest.pop('arguments', lambda rig: None)

    def spoil(rig: Rig) -> dict[str, Any] | None:
        _DAMAGES[how](rig.root / folder / part)
        return arguments(rig)

    return Case(family, name, spoil, mentions=mentions, world=world, **rest)


def _models() -> Iterator[Case]:
    folder = 'model/Format-Serving'
    for world in ('tight', 'tight, called by TFMA'):
        for how in _DAMAGES:
            yield _damaged(MODEL, world, folder, 'saved_model.pb', how, ('model', folder))
        for part in ('variables', 'variables/variables.index', 'variables/variables.data-00000-of-00001'):
            yield _damaged(MODEL, world, folder, part, 'missing', ('model', folder))
        yield _damaged(MODEL, world, folder, 'variables/variables.index', 'cut in half', ('model', folder))
        yield _damaged(MODEL, world, folder, 'variables/variables.data-00000-of-00001', 'empty', ('model', folder))
    yield _damaged(MODEL, 'tight', folder, 'fingerprint.pb', 'missing', (), expects=(BLESSING,), why=_NOT_READ)
    yield Case(MODEL, 'its folder is missing', lambda rig: _lose(rig.saved_model), mentions=('no SavedModel',))
    yield Case(MODEL, 'the artifact is missing', lambda rig: _lose(rig.root / 'model'), mentions=('no SavedModel',))
    yield Case(MODEL, 'no artifact', lambda rig: inputs_with(rig, model=[]), mentions=("'model' has no artifact",))
    two = "'model' has 2 artifacts"
    yield Case(MODEL, 'two artifacts', lambda rig: inputs_with(rig, model=2 * rig.inputs()['model']), mentions=(two,))
    yield Case(MODEL, 'its uri is empty', _model_without_uri, mentions=('no SavedModel',))


def _model_without_uri(rig: Rig) -> dict[str, Any]:
    inputs = rig.inputs()
    inputs['model'][0].uri = ''
    return {'inputs': inputs}


def _examples() -> Iterator[Case]:
    folder = 'examples'
    for part in ('Split-train', 'Split-eval'):
        yield _damaged(EXAMPLES, 'tight', folder, part, 'missing', (part.removeprefix('Split-'), 'no files'))
    yield Case(EXAMPLES, 'the artifact is missing', lambda rig: _lose(rig.root / folder), mentions=('no files',))
    yield Case(
        EXAMPLES, 'no artifact', lambda rig: inputs_with(rig, examples=[]), mentions=("'examples' has no artifact",)
    )
    for name, text in {'empty': '', 'no JSON': '{', 'no list': '3', 'other splits': '["a", "b"]'}.items():
        yield Case(EXAMPLES, f'split_names is {name}', lambda rig, t=text: _split_names(rig, t), mentions=('split',))
    payload = ('payload_format', 'FORMAT_PARQUET')
    yield Case(EXAMPLES, 'payload is Parquet', lambda rig: _property(rig, *payload), mentions=('FORMAT_PARQUET',))
    unknown = ('payload_format', 'FORMAT_NEW')
    yield Case(EXAMPLES, 'payload is unknown', lambda rig: _property(rig, *unknown), mentions=('FORMAT_NEW',))
    riegeli = ('file_format', 'riegeli')
    yield Case(EXAMPLES, 'file format is riegeli', lambda rig: _property(rig, *riegeli), mentions=('riegeli',))
    yield Case(EXAMPLES, 'two artifacts of two file formats', _two_formats, mentions=('file formats',))


def _split_names(rig: Rig, text: str) -> dict[str, Any]:
    inputs = rig.inputs()
    inputs['examples'][0].split_names = text
    return {'inputs': inputs}


def _property(rig: Rig, name: str, value: str) -> dict[str, Any]:
    inputs = rig.inputs()
    inputs['examples'][0].set_string_custom_property(name, value)
    return {'inputs': inputs}


def _two_formats(rig: Rig) -> dict[str, Any]:
    plain = _property(rig, 'file_format', 'tfrecords')['inputs']['examples']
    return inputs_with(rig, examples=[*rig.inputs()['examples'], *plain])


_FEATURE = 'feature {{ name: "{0}" type: {1} {2} }}\n'


def _schema_text(label: str = 'INT', more: str = '') -> bytes:
    features = {'label': label, 'color': 'BYTES', 'size': 'INT', 'logits': 'FLOAT'}
    return ''.join(_FEATURE.format(name, kind, more) for name, kind in features.items()).encode()


def _schemas() -> Iterator[Case]:
    broken = {
        'text': b'not a schema',
        'binary': b'\x00\x01\x02\x03',
        'not UTF-8': b'feature { name: "\xff\xfe" }',
        'cut short': b'feature { name: "label" type: I',
        'a schema with an unknown field': b'feature { name: "label" colour: RED }',
    }
    for name, content in broken.items():
        yield Case(SCHEMA, f'it is {name}', lambda rig, c=content: _schema(rig, c), mentions=('schema.pbtxt',))
    yield Case(SCHEMA, 'its file is missing', lambda rig: _schema(rig, None), mentions=('schema.pbtxt',))
    yield Case(SCHEMA, 'two artifacts', _two_schemas, mentions=("'schema' has 2 artifacts",))
    other = b'feature { name: "other" type: INT }'
    told = 'the examples tell what a schema does not'
    for name, content in {'empty': b'', 'about another feature': other}.items():
        yield Case(SCHEMA, f'it is {name}', lambda rig, c=content: _schema(rig, c), (BLESSING,), why=told)
    yield Case(SCHEMA, 'it is right', lambda rig: _schema(rig, _schema_text()), (BLESSING,), why='it is right')
    unknown = _schema_text('TYPE_UNKNOWN').replace(b'FLOAT', b'TYPE_UNKNOWN')
    for world in ('tight', 'tight, called by TFMA'):
        name = 'it leaves types open' + (' (called by TFMA)' if 'TFMA' in world else '')
        ends = (BLESSING,) if world == 'tight' else (ERROR, BLESSING)
        yield Case(SCHEMA, name, lambda rig: _schema(rig, unknown), ends, why=told, world=world)
    for kind in ('BYTES', 'FLOAT', 'STRUCT'):
        ends = (ERROR,) if kind != 'STRUCT' else (ERROR, BLESSING)
        why = '' if kind != 'STRUCT' else 'no type of an example; the examples tell'
        wrong = _schema_text(kind)
        yield Case(SCHEMA, f'it calls the label {kind}', lambda rig, c=wrong: _schema(rig, c), ends, why=why)
    for world in ('tight, called by TFMA',):
        yield Case(SCHEMA, 'it is text (called by TFMA)', lambda rig: _schema(rig, b'x'), world=world,
                   mentions=('schema.pbtxt',))  # fmt: skip


def _schema_artifact(rig: Rig, content: bytes | None) -> standard_artifacts.Schema:
    schema = standard_artifacts.Schema()
    schema.uri = str(rig.root / 'schema')
    Path(schema.uri).mkdir()
    if content is not None:
        Path(schema.uri, 'schema.pbtxt').write_bytes(content)
    return schema


def _schema(rig: Rig, content: bytes | None) -> dict[str, Any]:
    return inputs_with(rig, schema=[_schema_artifact(rig, content)])


def _two_schemas(rig: Rig) -> dict[str, Any]:
    return inputs_with(rig, schema=2 * [_schema_artifact(rig, _schema_text())])


def _transform_graphs() -> Iterator[Case]:
    def damaged(part: str, how: str, words: str = 'transform_graph') -> Case:
        return _damaged(TRANSFORM, _TRANSFORMED, words, part, how, (words,), arguments=with_transform_graph)

    why = 'the graph is whole'
    yield Case(TRANSFORM, 'it is whole', with_transform_graph, (BLESSING,), world=_TRANSFORMED, why=why)
    for part in ('transform_fn', 'transform_fn/saved_model.pb', 'metadata', 'transformed_metadata'):
        yield damaged(part, 'missing')
    for how in ('empty', 'cut in half', 'text'):
        yield damaged('transform_fn/saved_model.pb', how)
    for part in ('metadata', 'transformed_metadata'):
        for how in ('missing', 'text', 'a folder'):
            yield damaged(f'{part}/schema.pbtxt', how)
    yield Case(TRANSFORM, 'the artifact is missing', _without_graph, world=_TRANSFORMED, mentions=('transform_graph',))
    yield Case(TRANSFORM, 'it takes features that no example has', _graph_of_other_examples, world=_TRANSFORMED,
               mentions=('transform_graph',))  # fmt: skip


def _changed() -> Iterator[Case]:
    """A model that writes a file when it is called."""
    said = ('was changed while',)
    for name in ('saved_model.pb.new', 'variables/variables.data-00000-of-00002', 'assets.extra'):
        writes = lambda rig, n=name: _model_that_writes(rig, rig.saved_model / n)  # noqa: E731
        yield Case(CHANGED, f'the model, {name}', writes, mentions=("the input 'model'", *said))

    def of_graph(rig: Rig) -> dict[str, Any]:
        _model_that_writes(rig, rig.root / 'transform_graph' / 'transform_fn' / 'assets.extra')
        return with_transform_graph(rig)

    yield Case(CHANGED, 'the transform_graph', of_graph, world=_TRANSFORMED, mentions=("'transform_graph'", *said))
    yield Case(CHANGED, 'an example file', _example_file_is_touched, mentions=('example file', *said))


def _model_that_writes(rig: Rig, path: Path) -> None:
    def respond(logits: tf.Tensor) -> dict[str, tf.Tensor]:
        with tf.control_dependencies([tf.io.write_file(str(path), 'new')]):
            return {'outputs': tf.identity(logits)}

    worlds.save(rig, worlds.Scaled(respond))


def _example_file_is_touched(rig: Rig) -> None:
    """Written anew when the model is called with the other split, whose only shard has been read by then."""
    path = str(rig.shard('eval'))

    def respond(logits: tf.Tensor) -> dict[str, tf.Tensor]:
        with tf.control_dependencies([tf.io.write_file(path, tf.io.read_file(path))]):
            return {'outputs': tf.identity(logits)}

    worlds.save(rig, worlds.Scaled(respond))


def with_transform_graph(rig: Rig) -> dict[str, Any]:
    graph = standard_artifacts.TransformGraph()
    graph.uri = str(rig.root / 'transform_graph')
    return inputs_with(rig, transform_graph=[graph]) | {'evaluation': w.eval_config(label_key=worlds.TRANSFORMED_LABEL)}


def _without_graph(rig: Rig) -> dict[str, Any]:
    _lose(rig.root / 'transform_graph')
    return with_transform_graph(rig)


def _graph_of_other_examples(rig: Rig) -> dict[str, Any]:
    for split in ('train', 'eval'):
        rows = [{'z': row['label'], **row} for row in worlds.other_rows()]
        worlds.replace(rig, split, [{k: v for k, v in row.items() if k != 'label'} for row in rows])
    return with_transform_graph(rig)


def inputs_with(rig: Rig, **changes: list) -> dict[str, Any]:
    """The world's inputs, some of them changed, as arguments for a run."""
    return {'inputs': rig.inputs() | {getattr(executor, f'{name.upper()}_KEY'): to for name, to in changes.items()}}
