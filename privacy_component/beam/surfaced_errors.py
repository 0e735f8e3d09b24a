"""The user's error out of Beam's and TensorFlow's wrapping."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from privacy_component.errors import PrivacyInputError

_RAISED = re.compile(rf'(?:[\w.]*\.)?{PrivacyInputError.__name__}: (?P<message>[^\n]+)')
_STAGE = re.compile(r"\s*\[while running '[^\n]*'\]|\s*\[\[?'?[\w/ ]*'?\]?\]\s*$")
_SIGNATURE = re.compile(r'Fail to call signature func with signature_name: (?P<name>[\w@/]*)')
_LOST_WORKER = 'Channel closed prematurely'
_PARSING = re.compile(r'node [^}\s]*Parse(?:Single)?(?:Sequence)?Example')
# As TensorFlow says it, and tfx_bsl.
_OTHER_TYPE = re.compile(
    r"Key: (?P<name>[^\n]+?), Index: \d+\.\s+Data types don't match\. "
    r'Expected type: (?P<was>\w+), Actual type: (?P<now>\w+)'
)
_OTHER_LIST = re.compile(
    r'Feature had wrong type, expected (?P<was>\w+)_list, found (?P<now>\w+)_list for feature "(?P<name>[^\n]+)"'
)
_REASON = re.compile(r'Feature: \S+ \(data type: \w+\)[^\n.]*|Key: \w+\.[^\n]*|Could not parse(?: example input)?')


def surfaced(error: Exception, signature: str = '', takes: str = '') -> Exception:
    """The PrivacyInputError that a worker raised, without stage names and traces; `error` itself if it is another.

    Runners pass a worker's exception on as one of the same type or as the text of its trace.

    Args:
      error: what the job raised.
      signature: the signature that is called.
      takes: what it takes, in words; '' if that is not known.
    """
    if isinstance(error, PrivacyInputError):
        return PrivacyInputError(_STAGE.sub('', str(error)))
    found = _RAISED.findall(str(error))
    if found:
        return PrivacyInputError(_STAGE.sub('', found[-1]))
    if _LOST_WORKER in str(error):
        return PrivacyInputError(
            'a worker process of the Beam job has died: it was killed, or out of memory. Give workers more memory, or '
            'run fewer of them, and run the evaluation again.'
        )
    called = _SIGNATURE.search(str(error))
    if called:
        return bad_call(called['name'] or signature, error, takes)
    return _bad_extract(error, takes) if "[while running 'Extract" in str(error) else error


@contextlib.contextmanager
def surfacing(signature: str = '', takes: str = '') -> Iterator[None]:
    """Raises the user's error in the place of what a job that runs within raises; see `surfaced`."""
    try:
        yield
    except Exception as error:
        mended = surfaced(error, signature, takes)
        if mended is error:
            raise
        # Not `from error`: what TensorFlow and TFMA say can hold whole examples, which do not belong in a log.
        raise mended from None


@contextlib.contextmanager
def loading(what: str, path: str) -> Iterator[None]:
    """Turns a failure to load a SavedModel, which can be an exception of any kind, into a PrivacyInputError."""
    try:
        yield
    except Exception as error:
        why = next(iter(str(error).splitlines()), type(error).__name__)
        raise PrivacyInputError(
            f'{what} in {path} cannot be loaded ({why[:200]}): a part of it is missing or damaged. Run the component '
            'that wrote it again.'
        ) from error


def _bad_extract(error: Exception, takes: str) -> PrivacyInputError:
    why = _STAGE.sub('', next(iter(str(error).splitlines())))[:120]
    return PrivacyInputError(
        f"TFMA's extractors could not make the model's inputs{_listed(takes)} of these examples ({why}): the features "
        "that the signature names must be in every example, with the signature's types and shapes; pass the schema or "
        'transform_graph that tells them, or name another signature in eval_config.model_specs[0].signature_name.'
    )


def _listed(takes: str) -> str:
    return f', {takes},' if takes else ''


def bad_call(signature: str, error: Exception, takes: str = '') -> PrivacyInputError:
    """The error for a signature that examples do not fit; `takes` says in words what it takes.

    TensorFlow's and TFMA's messages can hold whole examples, which do not belong in a log: only the reason is kept.
    """
    text = '\n'.join(_text(e) for e in (error, error.__cause__, error.__context__) if e)
    why = _REASON.search(text)
    return PrivacyInputError(
        f"the model's signature '{signature}'{f' takes {takes}, and' if takes else ''} could not be called with these "
        f'examples{": " + why[0] if why else ""}. '
        'Raw examples need a signature that parses them, transformed ones a signature that takes transformed features '
        'and no preprocessing_function_names in eval_config: name it in eval_config.model_specs[0].signature_name, or '
        'pass the other kind of examples.'
    )


def changed_type(error: BaseException) -> str:
    """Which feature has another type than in other examples, in words; '' if it is something else."""
    found = _OTHER_TYPE.search(_text(error)) or _OTHER_LIST.search(_text(error))
    if not found:
        return ''
    name, was, now = found['name'], found['was'], found['now']
    return f"the feature '{name}' is {now} and in other examples {was}: write it with one type in all splits"


def is_parse_error(error: BaseException) -> bool:
    """Whether TensorFlow could not parse a tf.Example, as its op says in one of the errors that led to this one.

    Those are its contexts and not its causes: a traceback would show them, and they can hold whole examples.
    """
    earlier: list[BaseException] = [error]
    while (one := earlier[-1].__cause__ or earlier[-1].__context__) is not None:
        earlier.append(one)
    return any(_PARSING.search(_text(one)) for one in earlier)


def _text(error: BaseException) -> str:
    # TensorFlow fails to decode its own message when it quotes the bytes of an example.
    return error.object.decode('utf-8', 'replace') if isinstance(error, UnicodeDecodeError) else str(error)
