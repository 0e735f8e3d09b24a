"""Every case through the real executor: an end that is right, in words that name the thing, and nothing left half done."""

import pytest

from tests.campaign import cases
from tests.campaign.case import run


@pytest.mark.parametrize('case', cases.all_cases(), ids=lambda case: f'{case.family}, {case.name}')
def test_case(case, templates, tmp_path):
    rig = templates.copy(case.world, tmp_path)
    outcome = run(rig, **(case.spoil(rig) or {}))
    assert outcome.kind in case.expects, outcome.said
    for words in case.mentions:
        assert words in outcome.said
    if case.check and outcome.result:
        case.check(rig, outcome.result)
