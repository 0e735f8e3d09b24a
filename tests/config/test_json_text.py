"""JSON that Python would read in silence is an error that says what is wrong."""

import json

import pytest

from privacy_component import PrivacyConfig, PrivacyInputError
from privacy_component.cli import COULD_NOT_DECIDE, main
from privacy_component.config.json_text import read_json

WRONG = {
    '{"thresholds": [{"metric": "auc", "upper_bound": 0.6}], "thresholds": []}': "the key 'thresholds' twice",
    '{"thresholds": [{"metric": "auc", "upper_bound": 0.6, "upper_bound": 0.99}]}': "the key 'upper_bound' twice",
    '{"slicing_specs": [{"feature_values": {"a": "1", "a": "2"}}]}': "the key 'a' twice",
    '[' * 100_000: 'more than 100 values inside one another',
    '{"a":' * 100_000: 'more than 100 values inside one another',
    '{"thresholds": ' + '[' * 500 + ']' * 500 + '}': 'more than 100 values inside one another',
    '{"member_splits": ["tr\\ud800"]}': 'half of a surrogate pair',
    '{"member_splits": ["tr\ud800"]}': 'half of a surrogate pair',
    '{"\\udfff": 1}': 'half of a surrogate pair',
    '{"measurement": {"seed": ' + '9' * 5000 + '}}': 'is not JSON',
    '{"decision": {"confidence_level": 0.5}}': r'confidence_level is 0.5; it must be a number in \(0.5, 0.9999\]',
    '{"thresholds": [{"metric": "auc", "upper_bound": 1' + '0' * 400 + '}]}': 'upper_bound is 1000',
    '{"thresholds": [{"metric": "empirical_epsilon", "upper_bound": 1' + '0' * 400 + '}]}': 'upper_bound is 1000',
}


@pytest.mark.parametrize('text', WRONG, ids=lambda text: text[:40].encode('unicode_escape').decode())
def test_the_error_names_what_is_wrong(text, tmp_path, capsys):
    with pytest.raises(PrivacyInputError, match=WRONG[text]) as error:
        PrivacyConfig.from_json(text)
    assert len(str(error.value)) < 1000
    if '\ud800' not in text:
        path = tmp_path / 'config.json'
        path.write_text(text)
        assert main(['gate', '--unsealed', '--metrics', str(tmp_path), '--config', str(path)]) == COULD_NOT_DECIDE
        said = capsys.readouterr().err
        assert 'config.json: ' in said and 'Traceback' not in said


def test_two_spellings_of_a_key_are_one_key():
    with pytest.raises(PrivacyInputError, match="'label_key' twice in one object, as 'labelKey' too"):
        read_json('{"labelKey": "a", "label_key": "b"}', 'eval_config', {'labelKey': 'label_key'})


def test_what_is_right_is_read_as_it_stands():
    text = '{"a": [1, 2.5, "x", {"a": null}], "b": {"a": "\\ud83d\\ude00"}}'
    assert read_json(text, 'it') == json.loads(text)
    config = PrivacyConfig(decision={'confidence_level': 0.51})
    assert PrivacyConfig.from_json(config.to_json()) == config
