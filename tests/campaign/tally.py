"""How many cases ended how, as the table in docs/campaign.md."""

from __future__ import annotations

import collections
from pathlib import Path

from tests.campaign.case import BLESSING, ERROR, REFUSAL

DOCUMENT = Path(__file__).parents[2] / 'docs' / 'campaign.md'

KILLED = 'killed'
WRONG_BLESSING = 'wrong blessing'
ENDS = (ERROR, REFUSAL, KILLED, BLESSING, WRONG_BLESSING)

Tally = collections.Counter[tuple[str, str]]  # (family, end) -> number of cases

_TABLE = '| what is wrong | cases | clear error | refusal | killed by us | right blessing | wrong blessing |'
_TEXT = """# What goes wrong, and how it ends

Written by `python -m tests.campaign`, which runs every case in `tests/campaign` through the real executor and counts.

- A *clear error* is a `PrivacyInputError` that names what is wrong: the execution fails and leaves nothing behind.
- A *refusal* is a verdict, *not blessed*, with reasons.
- *Killed by us* are processes that the campaign kills; no file looks whole afterwards that is not.
- A *right blessing* is the verdict where nothing is wrong that matters (a flipped bit in a gzip header's time stamp,
  say); the case says why.
- A *wrong blessing* would be one of a model that leaks, or of examples that could not be measured.

{table}

## What cannot be told

- An uncompressed TFRecord file that was cut between two records is a whole file to every reader. The result says how
  many examples of each split were read.
- A label that is wrong but possible is a label. If wrong labels turn an attack round, that is refused; if they only
  make it weaker, nothing shows.
- The same examples on both sides, or a model that answers everybody alike, give every attack an AUC of 0.5. Checks
  refuse both by default; with `duplicates_across_splits` and `constant_outputs` on `warn` or `off` such a model passes.
- What a model answers to its millionth caller, or to an example that nobody has: models are asked twice about the first
  examples of each split and about one batch in 64, and every signature about 64 examples of each split. A counter in
  the graph, a date, or an input that only an attacker knows shows in none of them.
- A signature that does not take serialized examples cannot be asked; the check names it. So are class numbers, and
  outputs of another width than the judged one's, which may be embeddings.
- Beam's local runner waits for ever if one of its worker processes is killed before it has reported
  (`--direct_running_mode=multi_processing`, Beam 2.74): no blessing, and no end before
  `measurement.time_limit_seconds`. A worker that dies later ends the job with an error; Flink starts its bundle again.
"""


def by_family(tally: Tally) -> collections.Counter[str]:
    """How many cases of each family there are."""
    counted: collections.Counter[str] = collections.Counter()
    for (family, _), number in tally.items():
        counted[family] += number
    return counted


def table(tally: Tally) -> str:
    """The table by family, with a sum."""
    families = sorted({family for family, _ in tally})
    rows = [_row(family, {end: tally[family, end] for end in ENDS}) for family in families]
    total = {end: sum(tally[family, end] for family in families) for end in ENDS}
    return '\n'.join([_TABLE, '|---|' + '---:|' * (len(ENDS) + 1), *rows, _row('all', total)])


def _row(name: str, ends: dict[str, int]) -> str:
    return '| ' + ' | '.join([name, str(sum(ends.values())), *(str(ends[end]) for end in ENDS)]) + ' |'


def document(tally: Tally) -> str:
    """The text of docs/campaign.md."""
    return _TEXT.format(table=table(tally))


def written() -> Tally:
    """The tally in docs/campaign.md."""
    tally: Tally = collections.Counter()
    lines = DOCUMENT.read_text().splitlines() if DOCUMENT.exists() else []
    for line in lines[lines.index(_TABLE) + 2 :] if _TABLE in lines else []:
        cells = [cell.strip() for cell in line.strip('|').split('|')]
        if len(cells) != len(ENDS) + 2 or cells[0] == 'all':
            break
        tally |= {(cells[0], end): int(cell) for end, cell in zip(ENDS, cells[2:], strict=True) if int(cell)}
    return tally
