"""What does the matrix panel bring? Its record, and nothing that takes time to import."""

from __future__ import annotations

from partwise.api import Exporter, Plugin, Reader, Sample

__all__ = ["PLUGIN"]

PLUGIN = Plugin(
    id="matrix",
    title="Any table",
    version="1.0.0",
    api=">=1,<2",
    summary="Takes any nonnegative table apart into a few parts, and says how many it holds.",
    readers=(
        Reader(
            "Table as text",
            ("*.csv", "*.tsv", "*.tab", "*.txt", "*.csv.gz", "*.tsv.gz", "*.txt.gz"),
            "partwise_matrix.readers:probe_text",
            "partwise_matrix.readers:load_table",
        ),
        Reader(
            "NumPy array",
            ("*.npy", "*.npz"),
            "partwise_matrix.readers:probe_numpy",
            "partwise_matrix.readers:load_table",
        ),
        Reader(
            "Excel sheet",
            ("*.xlsx", "*.xlsm"),
            "partwise_matrix.readers:probe_excel",
            "partwise_matrix.readers:load_table",
        ),
        Reader(
            "Parquet",
            ("*.parquet", "*.pq"),
            "partwise_matrix.readers:probe_parquet",
            "partwise_matrix.readers:load_table",
        ),
    ),
    analyses=("partwise_matrix.analysis:MatrixAnalysis",),
    exporters=(
        Exporter(
            "W",
            ".csv",
            "What each part is made of, rows × parts",
            "text/csv",
            "partwise_matrix.export:write_W",
        ),
        Exporter(
            "H",
            ".csv",
            "How much of each part, parts × columns",
            "text/csv",
            "partwise_matrix.export:write_H",
        ),
        Exporter(
            "rank-scan",
            ".csv",
            "What each number of parts gains and costs",
            "text/csv",
            "partwise_matrix.export:write_scan",
            applies="partwise_matrix.export:has_scan",
        ),
        Exporter(
            "residual",
            ".csv",
            "What the parts do not explain, entry by entry",
            "text/csv",
            "partwise_matrix.export:write_residual",
            applies="partwise_matrix.export:residual_is_small",
        ),
        Exporter(
            "residual",
            ".npy",
            "What the parts do not explain, as a NumPy array",
            "application/octet-stream",
            "partwise_matrix.export:write_large_residual",
            applies="partwise_matrix.export:residual_is_large",
        ),
    ),
    samples=(
        Sample(
            "matrix-spectra",
            "Dye mixtures",
            "Synthetic fluorescence of 48 mixtures of four dyes, whose truth is known.",
            "partwise_matrix.samples:spectra_table",
            "BSD-3-Clause",
            "Made by partwise_matrix.planted",
        ),
    ),
)
