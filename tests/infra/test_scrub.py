"""Secrets are masked wherever they turn up."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from toolkit.infra.scrub import MASK, Scrubber, of_environment, sensitive_values

KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def test_credentials_of_the_environment_are_masked() -> None:
    scrub = of_environment({"AWS_SECRET_ACCESS_KEY": KEY, "AWS_SESSION_TOKEN": "token/" + KEY, "HOME": "/home/ops"})
    assert scrub(f"a {KEY} b token/{KEY} c /home/ops") == f"a {MASK} b {MASK} c /home/ops"


def test_the_dummies_of_an_emulator_leave_words_alone() -> None:
    assert of_environment({"AWS_SECRET_ACCESS_KEY": "test"})("the test failed") == "the test failed"


def test_access_key_ids_and_passwords_in_addresses_are_known_by_their_shape() -> None:
    text = Scrubber()("AKIAIOSFODNN7EXAMPLE at https://user:pass@registry.example/x")
    assert text == f"{MASK} at https://{MASK}@registry.example/x"


def test_a_secret_within_a_longer_one_leaves_no_rest() -> None:
    assert Scrubber(["abcd", "abcdefgh"])("x abcdefgh y abcd") == f"x {MASK} y {MASK}"


def test_what_terraform_marks_sensitive_is_found_wherever_it_stands() -> None:
    plan: dict[str, Any] = {
        "resource_changes": [
            {
                "change": {
                    "before": {"password": "old-secret", "open": "plain"},
                    "before_sensitive": {"password": True},
                    "after": {"keys": [{"id": "plain"}, {"id": "new-secret"}], "port": 54321},
                    "after_sensitive": {"keys": [{}, {"id": True}], "port": True},
                }
            }
        ],
        "resource_drift": [{"change": {"before": {"key": "drift-secret"}, "before_sensitive": {"key": True}}}],
        "output_changes": {"token": {"after": {"deep": ["out-secret"]}, "after_sensitive": True}},
        "variables": {"pin": {"value": "var-secret"}, "name": {"value": "plain"}, "no": {"value": "yes"}},
        "configuration": {"root_module": {"variables": {"pin": {"sensitive": True}, "name": {}, "no": None}}},
    }
    assert sensitive_values(plan) == {
        *("old-secret", "new-secret", "54321", "drift-secret", "out-secret", "var-secret")
    }


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "resource_changes",
                    "resource_drift",
                    "output_changes",
                    "variables",
                    "configuration",
                    "change",
                    "after",
                    "x",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@given(json_values)
def test_any_json_is_searched_without_harm(document: object) -> None:
    assert all(len(found) >= 4 for found in sensitive_values(document))
