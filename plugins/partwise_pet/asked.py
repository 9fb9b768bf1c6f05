"""What can be asked of a dynamic series? The parameters of its analysis."""

from __future__ import annotations

from dataclasses import dataclass

from partwise.api import param
from partwise_pet.region import check_points, check_region

__all__ = ["PetParams"]

_MOST_FACTORS = 12
_WIDEST = 30.0  # mm of blur


def _check_rank(text: str) -> str | None:
    word = text.strip().lower()
    if word == "auto" or (word.isdigit() and 1 <= int(word) <= _MOST_FACTORS):
        return None
    return f"give auto, or a number from 1 to {_MOST_FACTORS}"


def _check_overlap(text: str) -> str | None:
    if text.strip().lower() == "auto":
        return None
    try:
        value = float(text)
    except ValueError:
        return "give auto, or a number from 0 to 1"
    return None if 0 <= value <= 1 else "give auto, or a number from 0 to 1"


def _check_blur(text: str) -> str | None:
    wrong = f"give auto, or a width from 0 to {_WIDEST:g} mm"
    if text.strip().lower() == "auto":
        return None
    try:
        return None if 0 <= float(text) <= _WIDEST else wrong
    except ValueError:
        return wrong


def _check_loss(text: str) -> str | None:
    word = text.strip().lower()
    if word in ("frobenius", "kl", "is"):
        return None
    try:
        return None if -2 <= float(word) <= 3 else "give frobenius, kl, is, or a beta from -2 to 3"
    except ValueError:
        return "give frobenius, kl, is, or a beta from -2 to 3"


@dataclass(frozen=True)
class PetParams:
    """What a person may ask; each field says what it does."""

    rank: str = param(
        "auto",
        label="Factors",
        check=_check_rank,
        help="How many curves to look for; auto compares two halves of the voxels.",
    )
    mask: str = param(
        "", label="Mask", kind="file", help="A volume that marks the voxels to look at."
    )
    region: str = param(
        "",
        label="Region",
        check=check_region,
        help="Steps that draw the region in voxels, such as box 10:38 12:36 0:20; -ball 5 5 5 2.",
    )
    threshold: float = param(
        5.0,
        ge=0.0,
        le=100.0,
        unit="%",
        label="Threshold",
        only="mask=",
        help="Without a mask, voxels are looked at whose mean exceeds this share of the bright.",
    )
    anchors: str = param(
        "",
        label="Anchors",
        kind="file",
        help="A label volume: label k holds voxels that belong to factor k alone.",
    )
    points: str = param(
        "",
        label="Anchor points",
        check=check_points,
        help="Voxels of one factor alone, such as 1@28,24,10 2@18,24,10, as set by clicks.",
    )
    frames: str = param(
        "",
        label="Frame times",
        kind="file",
        help="Start and end of the frames (BIDS-PET JSON or TSV), in place of the file's own.",
    )
    negative: str = param(
        "zero",
        label="Below zero",
        choices={"zero": "Take as zero", "cut": "Cut noise first", "refuse": "Refuse"},
        help="What to do with values below zero, which noise causes.",
    )
    input: str = param(
        "factor",
        label="Input function",
        choices={"factor": "Blood factor", "roi": "Its region", "samples": "Blood samples"},
        help="Which blood curve drives the Patlak and Logan plots.",
    )
    blood: str = param(
        "",
        label="Blood samples",
        kind="file",
        help="Measured blood, a table with time_s or time_min and activity, to compare and scale.",
    )
    patlak_from: float = param(
        15.0,
        ge=0.0,
        le=600.0,
        unit="min",
        label="Lines from",
        help="From when on the Patlak and Logan plots are taken for straight.",
    )
    bootstrap: int = param(
        0,
        ge=0,
        le=500,
        label="Resamplings",
        help="How often voxels are drawn anew for intervals of the curves; 0 for none.",
    )
    decay: str = param(
        "file",
        label="Decay",
        choices={
            "file": "As the file says",
            "corrected": "Is corrected",
            "uncorrected": "Not corrected",
        },
        advanced=True,
        help="Whether the values are corrected for decay; what is not, is corrected here.",
    )
    half_life: float = param(
        0.0,
        ge=0.0,
        le=1e6,
        unit="min",
        label="Half-life",
        advanced=True,
        help="Of the tracer; 0 is as the file says.",
    )
    suv: bool = param(
        False, label="SUV", advanced=True, help="Divide by injected activity per body weight."
    )
    dose: float = param(
        0.0,
        ge=0.0,
        le=100_000.0,
        unit="MBq",
        label="Injected activity",
        advanced=True,
        only="suv=true",
        help="For SUV, at the time of injection; 0 is as the file says.",
    )
    weight: float = param(
        0.0,
        ge=0.0,
        le=500.0,
        unit="kg",
        label="Body weight",
        advanced=True,
        only="suv=true",
        help="For SUV; 0 is as the file says.",
    )
    weighting: str = param(
        "noise",
        label="Frames count",
        choices={"noise": "By their noise", "duration": "By duration", "none": "Alike"},
        advanced=True,
        help="How much each frame counts in the fit.",
    )
    overlap: str = param(
        "auto",
        label="Overlap",
        check=_check_overlap,
        advanced=True,
        help="How strongly factors avoid each other's voxels; auto follows the noise, 0 is none.",
    )
    blur: str = param(
        "auto",
        unit="mm",
        label="Blur",
        check=_check_blur,
        advanced=True,
        help="Width (FWHM) of the scanner's blur, which carries tissue into blood; auto estimates "
        "it, from the filter in the sidecar too, and 0 takes nothing off.",
    )
    loss: str = param(
        "frobenius",
        label="Error",
        kind="open",
        choices={"frobenius": "Squares", "kl": "Counts (KL)", "is": "Ratios (IS)"},
        check=_check_loss,
        advanced=True,
        help="What a deviation costs: its weighted square, as of counts, as a ratio, or a beta.",
    )
    most: int = param(
        6,
        ge=2,
        le=_MOST_FACTORS,
        label="At most",
        advanced=True,
        help="The largest number of factors that auto tries.",
    )
    doubt: bool = param(
        True,
        label="Look for other fits",
        advanced=True,
        help="Draw the band of curves that fit as well.",
    )
