"""What does the stain panel bring? Its record, and nothing that takes time to import."""

from __future__ import annotations

from partwise.api import Exporter, Plugin, Reader, Sample, Section

__all__ = ["PLUGIN"]

_SLIDES = ("*.svs", "*.ndpi", "*.mrxs", "*.scn", "*.bif", "*.vms", "*.svslide", "*.tif", "*.tiff")
_PICTURES = ("*.png", "*.jpg", "*.jpeg", "*.bmp", "*.jp2", "*.webp")

PLUGIN = Plugin(
    id="stain",
    title="Stain deconvolution",
    version="1.0.0",
    api=">=1,<2",
    summary="Separates the dyes of a stained slide and measures each, pixel by pixel.",
    readers=(
        Reader(
            "Slide or TIFF",
            _SLIDES,
            "partwise_stain.readers:probe_slide",
            "partwise_stain.readers:load_slide",
        ),
        Reader(
            "Picture",
            _PICTURES,
            "partwise_stain.readers:probe_picture",
            "partwise_stain.readers:load_picture",
        ),
    ),
    analyses=("partwise_stain.analysis:StainAnalysis",),
    panel="partwise_stain.panel:Panel",
    exporters=(
        Exporter(
            "concentrations",
            ".ome.tif",
            "Concentrations, one channel per stain",
            "image/tiff",
            "partwise_stain.export:write_concentrations",
        ),
        Exporter(
            "stain",
            ".png",
            "Picture of one stain alone",
            "image/png",
            "partwise_stain.export:write_stain",
            per_part=True,
        ),
        Exporter(
            "residual",
            ".tif",
            "What the stains do not explain",
            "image/tiff",
            "partwise_stain.export:write_residual",
        ),
        Exporter(
            "normalized",
            ".tif",
            "The slide in the colours of the reference",
            "image/tiff",
            "partwise_stain.export:write_normalized",
            applies="partwise_stain.export:has_reference",
        ),
        Exporter(
            "profile",
            ".json",
            "Stain profile: vectors and white, for other slides",
            "application/json",
            "partwise_stain.profile:write_profile",
        ),
    ),
    cohort="partwise_stain.cohort:look_together",
    section=Section("stain", 1, "partwise_stain.regions:migrate"),
    samples=(
        Sample(
            "stain-he",
            "H&E tissue",
            "Synthetic glands in stroma, with known stain vectors.",
            "partwise_stain.samples:tissue_picture",
            "BSD-3-Clause",
            "Made by partwise_stain.tissue",
            (("stains", "he"),),
        ),
        Sample(
            "stain-ihc",
            "H-DAB colon",
            "A real slide stained for FHL2 with DAB and haematoxylin.",
            "partwise_stain.samples:ihc_picture",
            "No known copyright restrictions",
            "scikit-image, skimage.data.immunohistochemistry",
            (("stains", "hdab"),),
        ),
    ),
)
