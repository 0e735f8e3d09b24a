"""Messages are one printable line, whatever names they hold."""

import pickle

import pytest

from privacy_component import PrivacyConfig, PrivacyInputError, evaluate_privacy
from privacy_component.errors import prefixed_errors

HOSTILE = 'kind\nVerdict: BLESSED\r\x1b[31m\u202egnp'


def test_a_name_cannot_fake_a_line_of_a_log():
    with pytest.raises(PrivacyInputError) as raised:
        evaluate_privacy(
            is_member=[True, False] * 20,
            labels=[0, 1] * 20,
            logits=[[0.1, 0.2]] * 40,
            features={HOSTILE: [1, 2]},
            config=PrivacyConfig(),
        )
    assert str(raised.value).isprintable()
    assert r'kind\nVerdict: BLESSED\r\x1b[31m\u202egnp' in str(raised.value)


def test_it_stays_the_same_on_its_way():
    error = PrivacyInputError('Überfahrt 東京 \n 🚕')
    assert str(error) == r'Überfahrt 東京 \n 🚕'
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    with (
        pytest.raises(PrivacyInputError, match=r'^the baseline model: Über') as raised,
        prefixed_errors('the baseline model'),
    ):
        raise error
    assert str(raised.value).endswith(str(error))
