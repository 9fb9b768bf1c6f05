"""What does the PET panel bring? Its record, and nothing that takes time to import."""

from __future__ import annotations

from partwise.api import Exporter, Plugin, Reader, Sample

__all__ = ["PLUGIN"]

PLUGIN = Plugin(
    id="pet",
    title="Dynamic PET",
    version="1.0.0",
    api=">=1,<2",
    summary="Takes a dynamic PET series apart into blood and tissue, with the doubt shown. "
    "Research use, not diagnostic.",
    readers=(
        Reader(
            "NIfTI series",
            ("*.nii", "*.nii.gz"),
            "partwise_pet.nifti:probe_nifti",
            "partwise_pet.nifti:load_nifti",
            long=True,
        ),
        Reader(
            "DICOM series, any of its files",
            ("*.dcm", "*.ima"),
            "partwise_pet.dicom:probe_dicom",
            "partwise_pet.dicom:load_dicom",
            series=True,
            long=True,
        ),
        Reader(
            "ECAT 7",
            ("*.v",),
            "partwise_pet.ecat:probe_ecat",
            "partwise_pet.ecat:load_ecat",
            long=True,
        ),
    ),
    analyses=("partwise_pet.analysis:PetAnalysis",),
    panel="partwise_pet.panel:Panel",
    exporters=(
        Exporter(
            "factor-images",
            ".nii.gz",
            "Factor images, one volume per factor",
            "application/gzip",
            "partwise_pet.export:write_images",
        ),
        Exporter(
            "curves",
            ".tsv",
            "Factor curves, a column per factor",
            "text/tab-separated-values",
            "partwise_pet.export:write_curves",
        ),
        Exporter(
            "regions",
            ".tsv",
            "Factor curves beside those of their regions",
            "text/tab-separated-values",
            "partwise_pet.export:write_regions",
        ),
        Exporter(
            "maps",
            ".nii.gz",
            "Patlak Ki and Logan VT, voxel by voxel",
            "application/gzip",
            "partwise_pet.export:write_maps",
            applies="partwise_pet.export:has_maps",
        ),
        Exporter(
            "frames",
            ".tsv",
            "Frame times as the run used them",
            "text/tab-separated-values",
            "partwise_pet.export:write_frames",
        ),
    ),
    samples=(
        Sample(
            "pet-heart",
            "Simulated FDG heart",
            "An hour of a simulated heart whose blood and tissue curves are known.",
            "partwise_pet.samples:heart_series",
            "BSD-3-Clause",
            "Made by partwise_pet.phantom",
            (("rank", "4"),),
        ),
    ),
)
