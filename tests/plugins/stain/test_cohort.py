"""A slide of another batch stands out of its cohort, in the table, on the page and in its row."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from partwise.cli import main
from partwise_stain.cohort import look_together
from partwise_stain.tissue import make_tissue

H, E = np.array([0.65, 0.70, 0.29]), np.array([0.07, 0.99, 0.11])


def summary(h: np.ndarray, e: np.ndarray, left: float = 0.01, kind: str = "he") -> dict[str, Any]:
    keys = ("haematoxylin", "eosin" if kind == "he" else "dab")
    return {
        "facts": {"stains": kind, "white": [243.0, 241.0, 245.0]},
        "parts": [{"key": key, "vector": list(v)} for key, v in zip(keys, (h, e), strict=True)],
        "residual": {"share": left},
        "trust": [{"check": "not-explained", "value": 2 * left}],
    }


def test_the_slide_that_drifted_is_told_and_the_worst_residual_is_first() -> None:
    rng = np.random.default_rng(1)
    known = {
        f"s{k}": summary(H + rng.normal(0, 0.005, 3), E + rng.normal(0, 0.005, 3), 0.01 + k / 1000)
        for k in range(9)
    }
    known["other"] = summary(np.array([0.45, 0.75, 0.48]), E, 0.012)
    known["ink"] = summary(H, E, 0.2)
    cohort = look_together(known)
    assert cohort is not None
    rows = {row[0]: row for row in cohort.table.rows}
    assert cohort.table.rows[0][0] == "ink"
    assert rows["ink"][-1] == "much is not explained"
    assert rows["other"][-1] == "Haematoxylin drifted"
    assert all(row[-1] == "" for name, row in rows.items() if str(name).startswith("s"))
    column = "Haematoxylin, from the cohort (°)"
    assert float(cohort.columns["other"][column]) > 10
    assert float(cohort.columns["s3"][column]) < 2
    assert cohort.views[0].arrays["values"].shape == (2, 11)


def test_two_slides_are_no_cohort_and_other_stainings_are_left_out() -> None:
    assert look_together({}) is None
    assert look_together({"a": summary(H, E), "b": summary(H, E)}) is None
    mixed = {name: summary(H, E) for name in "abc"}
    mixed["d"] = summary(H, np.array([0.27, 0.57, 0.78]), kind="hdab")
    cohort = look_together(mixed)
    assert cohort is not None
    assert "d" not in cohort.columns
    assert "1 slides of another staining" in cohort.words


def test_a_batch_leaves_its_table_and_chart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    base = make_tissue(288, 224, seed=7)
    for k in range(7):
        rgb = np.roll(base.rgb, 29 * k, axis=1)
        if k == 5:  # another batch of haematoxylin
            od = -np.log10(np.maximum(rgb, 1) / np.array(base.white))
            swapped = np.linalg.lstsq(base.vectors, od.reshape(-1, 3).T, rcond=None)[0]
            other = np.column_stack([(0.45, 0.72, 0.53), base.vectors[:, 1]])
            light = np.array(base.white) * 10 ** -(other @ np.maximum(swapped, 0)).T
            rgb = np.clip(light, 0, 255).astype(np.uint8).reshape(rgb.shape)
        Image.fromarray(rgb).save(folder / f"slide-{k:02}.png")
    out = tmp_path / "out"
    words = ["batch", "stain", str(folder), "-o", str(out), "-p", "stains=he"]
    words += ["-p", "resample=false", "-p", "nuclei=false"]
    assert main(words) == 0
    with (out / "cohort.csv").open(encoding="utf-8") as file:
        told = list(csv.DictReader(file))
    assert len(told) == 7
    assert [row["Slide"] for row in told if "drifted" in row["To look at"]] == ["slide-05"]
    with (out / "batch.csv").open(encoding="utf-8") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    away = {name: float(row["Haematoxylin, from the cohort (°)"]) for name, row in rows.items()}
    assert max(away, key=lambda name: away[name]) == "slide-05.png"
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "Drift across the cohort" in page
    assert page.count("<rect") == 14
    assert main([*words, "--resume"]) == 0
    assert (out / "index.html").read_text(encoding="utf-8") == page
    capsys.readouterr()
