"""How fast is the way from colours to concentrations, beside what others offer, in one run?

*Fit, unmix and normalise* is the whole way of one picture of 4 megapixels into the colours of a
reference that was fitted before, on both sides: torchstain's ``normalize`` (its numpy back end,
Macenko's fit on all pixels, concentrations of all, 99th percentiles, new colours), and with ours
the levels of the pyramid, white point, pen, red cells and pigment, vectors, concentrations of all
pixels, 99th percentiles on every 16th, new colours by a table to within a level.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import _stain_truth as truth  # type: ignore[import-not-found]  # stands beside this script
import numpy as np

from partwise.api import ArrayPyramid, LocalJob, Mixing
from partwise.engine.pool import limit_threads
from partwise_stain.coreset import gather
from partwise_stain.normalise import Recolouring
from partwise_stain.presets import preset, published
from partwise_stain.survey import survey
from partwise_stain.tissue import make_tissue
from partwise_stain.vectors import find_vectors

_SCREEN = (1080, 1920)
_WHITE = (243.0, 241.0, 245.0)
_SOME = 4  # of the pixels along each side, of which percentiles are taken

Work = Callable[[], object]


def speed(repeats: int = 7) -> None:
    """Print the shortest of `repeats` interleaved rounds of each way, and the ratios asked for."""
    rgb = np.tile(make_tissue(512, 512, 31).rgb, (4, 4, 1))
    any_colour = np.random.default_rng(7).integers(0, 256, rgb.shape, dtype=np.uint8)
    best = _rounds(_ways(rgb, any_colour), repeats)
    for name, seconds in best.items():
        count = np.prod(_SCREEN) if name.startswith("view") else rgb.shape[0] * rgb.shape[1]
        print(f"{name:44} {1e3 * seconds:8.1f} ms {count / 1e6 / seconds:8.1f} Mpx/s")
    mine = best["two stains, 2 threads"]
    for rival in ("skimage rgb2hed", "numpy: OD and lstsq, as in tiatoolbox"):
        print(f"two stains against {rival}: {best[rival] / mine:.1f} times as fast")
    for own in ("fit, unmix and normalise", "fit and normalise"):
        times = best["torchstain fit and normalise"] / best[own]
        print(f"{own} against torchstain: {times:.1f} times as fast")
    small = make_tissue(512, 512, 32).rgb
    took = _rounds({"blind": lambda: _fit(small)}, repeats)["blind"]
    print(f"white point, colours and vectors of 512 x 512: {1e3 * took:.0f} ms")


def _ways(rgb: truth.Rgb, any_colour: truth.Rgb) -> dict[str, Work]:
    from skimage.color import rgb2hed
    from torchstain.numpy.normalizers import NumpyMacenkoNormalizer

    two, three = Mixing(preset("he"), _WHITE), Mixing(preset("hedab"), _WHITE)
    screen = np.ascontiguousarray(rgb[: _SCREEN[0], : _SCREEN[1]])
    rival = NumpyMacenkoNormalizer()
    rival.fit(rgb[:512, :512])

    def threads(count: int, work: Work) -> Work:
        def limited() -> None:
            with limit_threads(count):
                work()

        return limited

    def view() -> object:
        return two.render(screen, [True, False])

    def as_torchstain() -> None:
        rival.normalize(rgb, stains=False)

    ways: dict[str, Work] = {}
    for count in (1, 2):
        said = f"{count} thread{'s' if count > 1 else ''}"
        ways[f"two stains, {said}"] = threads(count, lambda: two.strengths(rgb))
        ways[f"three stains, {said}"] = threads(count, lambda: three.strengths(rgb))
        ways[f"two, any colour, {said}"] = threads(count, lambda: two.strengths(any_colour))
        ways[f"three, any colour, {said}"] = threads(count, lambda: three.strengths(any_colour))
        ways[f"view 1920 x 1080, {said}"] = threads(
            count, lambda: two.render(screen, [True, False])
        )
    ways["skimage rgb2hed"] = lambda: rgb2hed(rgb)
    ways["numpy: OD and lstsq, as in tiatoolbox"] = lambda: _plain(rgb)
    ways["torchstain fit and normalise"] = as_torchstain
    ways["fit, unmix and normalise"] = lambda: _normalise(rgb, every=1)
    ways["fit and normalise"] = lambda: _normalise(rgb, every=_SOME)
    return ways


def _plain(rgb: truth.Rgb) -> truth.Floats:
    od = -np.log(np.maximum(rgb.reshape(-1, 3).astype(float), 1) / 255)
    return np.asarray(np.linalg.lstsq(preset("he"), od.T, rcond=None)[0])


def _fit(rgb: truth.Rgb) -> Mixing:
    looked = survey(ArrayPyramid(rgb), LocalJob(seed=1))
    coreset = gather(looked.regions, looked.white, brown=False)
    return Mixing(find_vectors(coreset, published("he")).vectors, looked.white.levels)


def _normalise(rgb: truth.Rgb, every: int) -> truth.Rgb:
    """All that torchstain's `normalize` does: vectors, 99th percentiles, another's colours.

    With `every` at 1 all strengths are also made as an image of their own, which torchstain does
    not hand out; the percentiles are those of the same pixels either way.
    """
    mixing = _fit(rgb)
    strengths = mixing.strengths(rgb[::every, ::every])[:: _SOME // every, :: _SOME // every]
    high = [float(np.percentile(strengths[..., k], 99)) for k in range(2)]
    reference = {"vectors": preset("he").T, "white": _WHITE, "high": [0.85, 0.45]}
    return Recolouring(mixing, {"high": high, "reference": reference}).quick(rgb)


def _rounds(ways: dict[str, Work], repeats: int) -> dict[str, float]:
    """Seconds of the quickest round of each; interleaved, so that a busy neighbour meets all."""
    best = dict.fromkeys(ways, np.inf)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a rival's logarithms and overflows
        for number in range(repeats + 1):
            for name, work in ways.items():
                start = time.perf_counter()
                work()
                if number:  # the first compiles and warms up
                    best[name] = min(best[name], time.perf_counter() - start)
    return best
