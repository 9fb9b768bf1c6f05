"""What does the EMG panel bring? Its record, and nothing that takes time to import."""

from __future__ import annotations

from partwise.api import Exporter, Plugin, Reader, Sample

__all__ = ["PLUGIN"]

_LOAD = "partwise_emg.readers:load_recording"

PLUGIN = Plugin(
    id="emg",
    title="Muscle synergies",
    version="1.0.0",
    api=">=1,<2",
    summary="Finds the few commands by which many muscles are moved, from EMG to report.",
    readers=(
        Reader("C3D of a gait laboratory", ("*.c3d",), "partwise_emg.readers:probe_c3d", _LOAD),
        Reader(
            "EDF or BDF recording",
            ("*.edf", "*.bdf", "*.rec"),
            "partwise_emg.readers:probe_edf",
            _LOAD,
        ),
        Reader(
            "Table of samples",
            ("*.csv", "*.tsv", "*.tab", "*.txt"),
            "partwise_emg.readers:probe_text",
            _LOAD,
        ),
        Reader(
            "MATLAB or NumPy archive",
            ("*.mat", "*.npz"),
            "partwise_emg.readers:probe_arrays",
            _LOAD,
        ),
    ),
    analyses=("partwise_emg.analysis:SynergyAnalysis",),
    panel="partwise_emg.panel:Panel",
    exporters=(
        Exporter(
            "envelopes",
            ".csv",
            "Envelopes, a column per muscle",
            "text/csv",
            "partwise_emg.export:write_envelopes",
            applies="partwise_emg.export:has_envelopes",
        ),
        Exporter(
            "synergies",
            ".csv",
            "Synergies, muscles × synergies",
            "text/csv",
            "partwise_emg.export:write_synergies",
        ),
        Exporter(
            "activations",
            ".csv",
            "Activations, a column per synergy",
            "text/csv",
            "partwise_emg.export:write_activations",
        ),
        Exporter(
            "rank-scan",
            ".csv",
            "What each number of synergies gains",
            "text/csv",
            "partwise_emg.export:write_scan",
            applies="partwise_emg.export:has_scan",
        ),
        Exporter(
            "intervals",
            ".csv",
            "Intervals of weights and activations",
            "text/csv",
            "partwise_emg.export:write_intervals",
            applies="partwise_emg.export:has_intervals",
        ),
        Exporter(
            "timing",
            ".csv",
            "Width and centre of each activation",
            "text/csv",
            "partwise_emg.export:write_timing",
        ),
        Exporter(
            "figure",
            ".svg",
            "Figure for print: weights and activations",
            "image/svg+xml",
            "partwise_emg.figure:write_figure",
        ),
        Exporter(
            "statistics",
            ".csv",
            "Differences of two groups",
            "text/csv",
            "partwise_emg.export:write_statistics",
            applies="partwise_emg.export:has_statistics",
        ),
        Exporter(
            "norm",
            ".json",
            "For a norm: synergies and mean cycle, without names",
            "application/json",
            "partwise_emg.export:write_norm_file",
            applies="partwise_emg.export:has_norm",
        ),
    ),
    samples=(
        Sample(
            "emg-healthy",
            "Walking, healthy",
            "Simulated EMG of twelve muscles with five known synergies.",
            "partwise_emg.samples:healthy",
            "BSD-3-Clause",
            "Made by partwise_emg.planted",
        ),
        Sample(
            "emg-merged",
            "Walking, merged synergies",
            "The same person, simulated, with two synergies driven by one command.",
            "partwise_emg.samples:merged",
            "BSD-3-Clause",
            "Made by partwise_emg.planted",
        ),
    ),
)
