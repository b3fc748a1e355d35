"""docs/notifications.md says of every event what it is, and shows the JSON as it is sent."""

from __future__ import annotations

import ast
import inspect
import json
import re
from pathlib import Path

from tests.rollout.test_notification import a_notification
from tests.support.journals import NOON
from tests.support.notify import HERE
from toolkit.rollout import announcing
from toolkit.rollout.events import Head
from toolkit.rollout.notification import broken, document, stand_in

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "notifications.md").read_text(encoding="utf-8")


def test_every_event_stands_in_the_table_and_no_other() -> None:
    section = PAGE.partition("## What is told")[2].partition("## The JSON")[0]
    rows = re.findall(r"^\| (`[^|]*)\|", section, flags=re.MULTILINE)
    told = {word for row in rows for word in re.findall(r"`([a-z-]+)`", row)} - {"event"}
    constants = {
        node.value for node in ast.walk(ast.parse(inspect.getsource(announcing))) if isinstance(node, ast.Constant)
    }
    words = {each for each in constants if isinstance(each, str) and re.fullmatch(r"[a-z]+(-[a-z]+)*", each)}
    words |= {broken("web", HERE, "", Head(), NOON).event, stand_in(a_notification(), "").event}
    assert told == words


def test_the_json_on_the_page_has_the_keys_that_are_sent() -> None:
    shown = next(
        json.loads(block)
        for block in re.findall(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)
        if "schema_version" in block
    )
    sent = document(a_notification())
    assert list(shown) == list(sent)
    assert list(shown["head"]) == list(sent["head"])
