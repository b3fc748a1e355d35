"""The picture of the detection benchmark: minutes to detect beside the oracle, false alarms beside α."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt

Row = dict[str, Any]
COLORS = {
    "ours": "#1b6ca8",
    "mann-whitney": "#d1782c",
    "threshold once": "#8c8c8c",
    "threshold thrice": "#b5b5b5",
    "cloudwatch": "#5f8f5f",
}
NEVER = 75
"""Where "not within 60 minutes" is drawn."""


def plot(rows: list[Row], path: Path, *, alpha: float) -> None:
    figure, (speed, alarms) = plt.subplots(1, 2, figsize=(12, 5.6))
    _speed(speed, [row for row in rows if not row["healthy"]])
    _alarms(alarms, [row for row in rows if row["healthy"] and row["past"]], alpha)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})


def _speed(axes: Any, rows: list[Row]) -> None:
    seen = [row["median"] for row in rows if row["median"]["oracle"] is not None]
    for name, mark in (("mann-whitney", "x"), ("ours", "o")):
        axes.scatter(
            [each["oracle"] for each in seen],
            [each[name] or NEVER for each in seen],
            marker=mark,
            s=26,
            color=COLORS[name],
            alpha=0.75,
            label=name,
        )
    line = [1 + step / 4 for step in range(120)]
    axes.plot(line, [max(1.7 * at, at + 1) for at in line], color="black", linewidth=0.8, label="goal: 1.7 x, or + 1")
    axes.plot(line, line, color="black", linewidth=0.8, linestyle=":", label="the oracle itself")
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="minutes the oracle needs (median)",
        ylabel=f"minutes needed (median; at {NEVER}: not within 60)",
        title="Bad releases, a point a scenario",
    )
    axes.legend(loc="lower right", fontsize=9)
    axes.grid(visible=True, which="both", linewidth=0.3)


def _alarms(axes: Any, rows: list[Row], alpha: float) -> None:
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    height = 0.8 / len(COLORS)
    for place, (name, color) in enumerate(COLORS.items()):
        worst = [max(row["false_alarms"][name] for row in rows if row["kind"] == kind) for kind in kinds]
        at = [index + (place - len(COLORS) / 2) * height for index in range(len(kinds))]
        axes.barh(at, [max(each * 100, 0.02) for each in worst], height=height, color=color, label=name)
    axes.axvline(alpha * 100, color="black", linewidth=0.8)
    axes.set(
        yticks=range(len(kinds)),
        yticklabels=kinds,
        xscale="log",
        xlabel=f"% failed within 60 minutes, worst scenario; line: {alpha * 100:g} %; far left: none",
        title="Healthy releases",
    )
    axes.invert_yaxis()
    axes.legend(fontsize=9, ncols=3, loc="upper center", bbox_to_anchor=(0.45, -0.12))
