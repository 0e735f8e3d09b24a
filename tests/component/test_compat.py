"""What the package takes from TFX, it takes in one place."""

import ast
from pathlib import Path

import privacy_component

PACKAGE = Path(privacy_component.__file__).parent
COMPAT = PACKAGE / 'component/compat.py'
MESSAGES = PACKAGE / 'beam/models/eval_config.py'


def imported(path):
    """The names of all modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (f'{node.module}.{alias.name}' for alias in node.names)


def test_tfx_is_imported_in_compat_alone():
    importing = {
        path for path in PACKAGE.rglob('*.py') if any(f'{name}.'.startswith('tfx.') for name in imported(path))
    }
    assert importing == {COMPAT}


def test_messages_of_an_eval_config_are_made_where_every_tfma_has_them():
    """TFMA 0.52 has none at its top level; TFX puts some there, but a Beam worker does not import TFX."""
    made = ('EvalConfig', 'ModelSpec', 'SlicingSpec', 'Options', 'MetricsSpec', 'MetricConfig')
    for path in PACKAGE.rglob('*.py'):
        calls = [
            node.func for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))) if isinstance(node, ast.Call)
        ]
        tops = [f for f in calls if isinstance(f, ast.Attribute) and ast.unparse(f.value) == 'tfma' and f.attr in made]
        assert not tops, f'{path}: {ast.unparse(tops[0])}'
    assert any('config_pb2' in name for name in imported(MESSAGES))
