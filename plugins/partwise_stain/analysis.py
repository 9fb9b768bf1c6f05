"""Which stains made this slide? From pixels to parts, residual, measures and trust."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from partwise.api import Dataset, InputProblem, Job, LocalJob, Mixing, Pyramid, Result, halved
from partwise_stain.answer import result_of
from partwise_stain.asked import Params as _Params
from partwise_stain.colours import bin_numbers
from partwise_stain.coreset import gather
from partwise_stain.finding import check_tissue, find
from partwise_stain.measured import measure
from partwise_stain.optics import White
from partwise_stain.presets import is_inky, published
from partwise_stain.profile import read_profile
from partwise_stain.regions import read_regions
from partwise_stain.rehearsal import two_dyes
from partwise_stain.slide import hearing
from partwise_stain.survey import as_white, survey
from partwise_stain.unmix import census
from partwise_stain.vectors import find_vectors

__all__ = ["StainAnalysis"]


class StainAnalysis:
    """Colour deconvolution in optical density (Ruifrok and Johnston 2001), vectors found blind."""

    id: ClassVar[str] = "stain"
    title: ClassVar[str] = "Find stains"
    Params: ClassVar[type] = _Params

    def memory(self, dataset: Dataset, params: _Params) -> int:
        """Return about how many bytes a run takes at its largest, beside the image itself."""
        pyramid = dataset.pyramid
        if pyramid is None:
            return 0
        pixels = pyramid.levels[0].width * pyramid.levels[0].height
        # Measured on a slide of 16 million pixels: 141 MB. Beyond that it goes by tiles.
        return min(9 * pixels, 400_000_000)

    def warm_up(self) -> None:
        """Compile what a first run would wait for."""
        self.run(two_dyes(), _Params(), LocalJob())
        # What a small picture has no need of: colours to merge, levels below the first.
        bin_numbers(np.ones((1, 3)))
        for pixels in (np.ones((2, 2, 3), np.uint8), np.frombuffer(bytes(12), np.uint8)):
            halved(pixels.reshape(2, 2, 3))  # decoders hand over what nobody may write to

    def run(self, dataset: Dataset, params: _Params, job: Job) -> Result:
        """Find the stains of a slide and measure them.

        Raises
        ------
        InputProblem
            No tissue, no colour, or an unreadable reference.
        """
        if dataset.pyramid is None:
            raise InputProblem("the input is no image", argument="input", fix="give a slide")
        with hearing(job):
            return self._run(dataset, dataset.pyramid, params, job)

    def _run(self, dataset: Dataset, pyramid: Pyramid, params: _Params, job: Job) -> Result:
        job.report(0.0, "Looking at the slide")
        profile = read_profile(Path(params.profile)) if params.profile else None
        drawn = read_regions(Path(params.regions)) if params.regions else ()
        white = as_white(params.white)
        if white is None and profile is not None:
            white = White(profile.white, "given", 1.0)
        looked = survey(pyramid, job, white)
        found = find(looked, params, profile, job)
        measured = measure(dataset, pyramid, looked, found, drawn, params, job)
        facts: dict[str, Any] = {
            "stains": found.stains,
            "white": list(found.white.levels),
            "high": [float(value) for value in measured.counted.high],
            "measured_level": measured.counted.level,
        }
        if params.reference:
            facts["reference"] = _reference(Path(params.reference), found.stains, job)
        job.report(1.0, "Done")
        return result_of(dataset, found, measured, facts)


def _reference(path: Path, stains: str, job: Job) -> dict[str, Any]:
    """Fit the reference image and keep what a normalisation needs."""
    from partwise_stain.readers import load_slide

    dataset = load_slide(path)
    assert dataset.pyramid is not None
    pyramid: Pyramid = dataset.pyramid
    job.report(0.9, "Fitting the reference")
    looked = survey(pyramid, job)
    coreset = gather(
        looked.regions, looked.white, brown=stains != "he", inky=is_inky(stains), job=job
    )
    try:
        check_tissue(coreset)
    except InputProblem as problem:
        raise InputProblem(
            f"{path.name}: {problem.what}", argument="reference", fix=problem.fix
        ) from None
    vectors = find_vectors(coreset, published(stains)).vectors
    counted = census(pyramid, Mixing(vectors, looked.white.levels), job, (0.9, 1.0))
    return {
        "name": path.name,
        "vectors": [[float(value) for value in row] for row in vectors.T],
        "white": list(looked.white.levels),
        "high": [float(value) for value in counted.high],
    }
