"""`[[service.NAME.notify]]`: what it may hold, and what is said where it does not."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from toolkit.config import json_schema, load
from toolkit.errors import ConfigError
from toolkit.settings import NotifyEvents, NotifySettings, NotifyTo

ARN = "arn:aws:sns:eu-central-1:123456789012:releases"


def notify_of(folder: Path, *tables: str) -> tuple[NotifySettings, ...]:
    file = folder / "bluegreen.toml"
    file.write_text("\n".join(f"[[service.web.notify]]\n{table}" for table in tables), encoding="utf-8")
    return load(file).of("web").notify


def test_every_kind_is_read_in_its_order(tmp_path: Path) -> None:
    assert notify_of(
        tmp_path,
        f'to = "sns"\narn = "{ARN}"',
        'to = "eventbridge"\nbus = "ops"\nevents = "all"',
        'to = "slack"\nurl_env = "TEAM_HOOK"\nname = "team"',
        'to = "stdout"',
    ) == (
        NotifySettings(to=NotifyTo.SNS, name="sns-releases", place=ARN),
        NotifySettings(to=NotifyTo.EVENTBRIDGE, name="eventbridge-ops", place="ops", events=NotifyEvents.ALL),
        NotifySettings(to=NotifyTo.SLACK, name="team", place="TEAM_HOOK"),
        NotifySettings(to=NotifyTo.STDOUT, name="stdout"),
    )


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", "to: field required"),
        ('to = "mail"', "notify 1.to: notifications cannot go there; write one of stdout, slack, sns, eventbridge"),
        ('to = "sns"', "notify 1: sns wants the arn of a topic"),
        ('to = "sns"\narn = "releases"', "sns wants the ARN of a topic, as arn:aws:sns:"),
        ('to = "stdout"\nbus = "ops"', "bus is for eventbridge, and this goes to stdout"),
        ('to = "stdout"\nevents = "some"', "notify 1.events: write one of all, important"),
        ('to = "stdout"\nname = "a b"', "'a b' is no name of a notifier"),
        ('to = "stdout"\nurl = "x"', "notify 1.url is not a setting"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(tmp_path: Path, table: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        notify_of(tmp_path, table)
    assert said in refused.value.message
    assert "\n" not in refused.value.message


def test_a_webhooks_address_has_no_place_in_the_file_and_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="environment variable") as refused:
        notify_of(tmp_path, 'to = "slack"\nurl_env = "https://hooks.slack.com/services/verysecret"')
    assert "verysecret" not in refused.value.message


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="two notifiers have the name stdout"):
        notify_of(tmp_path, 'to = "stdout"', 'to = "stdout"\nevents = "all"')


def test_the_schema_takes_what_the_file_takes_and_no_other_place() -> None:
    schema = json_schema()
    for table in ({"to": "sns", "arn": ARN}, {"to": "slack", "url_env": "HOOK", "events": "all"}, {"to": "stdout"}):
        jsonschema.validate({"service": {"web": {"notify": [table]}}}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads('{"service": {"web": {"notify": [{"to": "mail"}]}}}'), schema)
