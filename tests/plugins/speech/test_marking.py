"""What is painted is heard and drawn at once, as the next run will have it, and taken back."""

from __future__ import annotations

import dataclasses

import numpy as np

from partwise.api import Dataset, LocalJob, Result
from partwise.result import Provenance
from partwise_speech.analysis import SpeechAnalysis
from partwise_speech.export import gain_codes
from partwise_speech.painted import Painted
from partwise_speech.panel.marking import Marking

P = SpeechAnalysis.Params
TEXT = "noise 2:2.4 1000:3000; speech 2.6:2.9 0:8000"


def test_inside_the_boxes_it_is_what_the_next_run_finds(dataset: Dataset, result: Result) -> None:
    found = gain_codes(result)
    kept = found.copy()
    marking = Marking()
    marking.follow(found, 0, result, Painted())
    assert marking.codes is found
    marking.follow(found, 0, result, Painted.read(TEXT))
    assert marking.is_tried
    tried = marking.codes
    assert tried is not None
    run = SpeechAnalysis().run(
        dataset, P(noise_span="0:1.5", painted=TEXT, drift=False), LocalJob()
    )
    changed = tried != found
    assert changed.any()
    # Where the noise is quiet a gain may lie at the floor already: that is no change.
    np.testing.assert_array_equal(tried[changed], gain_codes(run)[changed])
    columns = np.flatnonzero(changed.any(axis=0)) * 0.008
    assert columns.min() > 1.95
    assert columns.max() < 2.95
    np.testing.assert_array_equal(found, kept)


def test_other_marks_take_the_first_back(result: Result) -> None:
    found = gain_codes(result)
    marking = Marking()
    marking.follow(found, 0, result, Painted.read("speech 1:1.2 0:8000"))
    first = marking.version
    marking.follow(found, 0, result, Painted.read("speech 2:2.2 0:8000"))
    assert marking.version > first
    assert marking.codes is not None
    np.testing.assert_array_equal(marking.codes[:, 120:155], found[:, 120:155])
    assert (marking.codes[:256, 253:272] == 255).all()
    again = marking.version
    marking.follow(found, 0, result, Painted.read("speech 2:2.2 0:8000"))
    assert marking.version == again, "nothing new, nothing made"
    marking.follow(found, 1, result, Painted())
    assert marking.codes is found


def test_marks_that_the_run_knew_change_nothing(result: Result) -> None:
    run = Provenance("speech", "1", "denoise", {"painted": TEXT}, 0, (), {}, "", 0.0)
    found = gain_codes(result)
    marking = Marking()
    marking.follow(found, 0, dataclasses.replace(result, provenance=run), Painted.read(TEXT))
    assert marking.codes is found
    empty = Marking()
    empty.follow(None, 0, None, Painted.read(TEXT))
    assert (empty.codes, empty.is_tried) == (None, False)
