"""JSON that somebody wrote, read strictly: what Python would read in silence, and differently, is an error."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from privacy_component.errors import PrivacyInputError

_DEEPEST = 100  # as protobuf's
_NO_ALIASES: Mapping[str, str] = {}


def read_json(text: Any, where: str, aliases: Mapping[str, str] = _NO_ALIASES) -> Any:
    """The value that JSON text describes.

    Args:
      text: the text.
      where: what it is, for the message.
      aliases: second spellings of keys, each with the first: an object must not have both.

    Raises:
      PrivacyInputError: the text is not JSON; an object has a key twice, of which the last would count; a text has half
        of a surrogate pair, which no file can hold; or values are nested too deeply.
    """
    try:
        value = json.loads(text, object_pairs_hook=functools.partial(_object, where=where, aliases=aliases))
    except PrivacyInputError:
        raise
    except RecursionError as error:
        raise _too_deep(where) from error
    except (TypeError, ValueError) as error:
        raise PrivacyInputError(f'{where} is not JSON ({_in_short(error)}): {str(text)[:80]!r}') from error
    _check_depth(value, where)
    _check_texts(value, where)
    return value


def _object(pairs: Sequence[tuple[str, Any]], where: str, aliases: Mapping[str, str]) -> dict[str, Any]:
    seen: dict[str, str] = {}
    for key, _ in pairs:
        name = aliases.get(key, key)
        if name in seen:
            raise PrivacyInputError(_twice(where, key, seen[name]))
        seen[name] = key
    return dict(pairs)


def _twice(where: str, key: str, other: str) -> str:
    also = '' if key == other else f', as {other[:80]!r} too'
    return f'{where} has the key {key[:80]!r} twice in one object{also}: leave one of them out.'


def _check_depth(value: Any, where: str) -> None:
    level = [value]
    for _ in range(_DEEPEST):
        level = [inner for one in level if isinstance(one, list | dict) for inner in _children(one)]
        if not level:
            return
    raise _too_deep(where)


def _children(one: Any) -> Sequence[Any]:
    return list(one.values()) if isinstance(one, dict) else one


def _too_deep(where: str) -> PrivacyInputError:
    return PrivacyInputError(f'{where} is JSON with more than {_DEEPEST} values inside one another: correct it.')


def _check_texts(value: Any, where: str) -> None:
    written = json.dumps(value, ensure_ascii=False)
    try:
        written.encode('utf-8')
    except UnicodeEncodeError as error:
        near = written[max(error.start - 20, 0) : error.start + 1]
        raise PrivacyInputError(
            f'{where} has half of a surrogate pair, which is no character, in the text that ends {near!r}: correct it.'
        ) from error


def _in_short(error: Exception) -> str:
    return ' '.join(str(error).split())[:200]
