"""How does a slide look by its own colour profile? For the eye alone, never for densities."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from partwise.api import FileProblem

__all__ = ["Toned"]

_FIX = "its colours are shown as the camera counted them"


class Toned:
    """Turns light as a camera counted it into sRGB, as a colour profile (ICC.1) says.

    Called with pixels (height, width, 3) of uint8 from any thread.

    Parameters
    ----------
    profile : bytes
    path : Path
        Of the slide, for words.

    Raises
    ------
    FileProblem
        The profile is damaged or of no RGB.

    Attributes
    ----------
    name : str
        What the profile calls itself, in a line.
    """

    def __init__(self, profile: bytes, path: Path) -> None:
        try:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            # Without a cache of the latest colour, which threads would share.
            self._transform = ImageCms.buildTransform(
                *(own, ImageCms.createProfile("sRGB"), "RGB", "RGB"),
                renderingIntent=ImageCms.Intent(ImageCms.getDefaultIntent(own)),
                flags=ImageCms.Flags.NOCACHE,
            )
            said = ImageCms.getProfileDescription(own)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
            raise FileProblem(path, "has a colour profile that cannot be used", fix=_FIX) from error
        self.name = " ".join(said.split())[:60]

    def __call__(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return pixels in sRGB."""
        shown = ImageCms.applyTransform(Image.fromarray(rgb), self._transform)
        assert shown is not None  # as it is not changed in place
        return np.asarray(shown)
