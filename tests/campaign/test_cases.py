"""Every case through the real executor: it ends as it should, says why, and leaves nothing half done."""

import pytest

from tests.campaign import cases
from tests.campaign.case import ERROR, REFUSAL, run


@pytest.mark.parametrize('case', cases.all_cases(), ids=lambda case: f'{case.family}, {case.name}')
def test_case(case, templates, tmp_path, count):
    rig = templates.copy(case.world, tmp_path)
    outcome = run(rig, **(case.spoil(rig) or {}))
    count(case.family, outcome.kind, case.expects)
    assert outcome.kind in case.expects, outcome.said
    if outcome.kind == ERROR or case.expects == (REFUSAL,):
        assert [words for words in case.mentions if words not in outcome.said] == [], outcome.said
    if case.check and outcome.result:
        case.check(rig, outcome.result)
