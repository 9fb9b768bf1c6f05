"""Do the starts agree on which samples belong together?

The consensus matrix of Brunet, Tamayo, Golub and Mesirov (PNAS 101, 2004): a
sample belongs to the part it holds most of, and an entry says in what share of
the starts two samples belong to the same part.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.cluster.hierarchy import cophenet, cut_tree, linkage
from scipy.spatial.distance import squareform

from partwise.engine.errors import InputProblem

__all__ = ["consensus_clusters", "consensus_matrix", "cophenetic", "dispersion"]

Consensus = NDArray[np.float64]


def consensus_matrix(labels: ArrayLike) -> Consensus:
    """Return in what share of the starts each two samples share a label.

    Parameters
    ----------
    labels
        (starts, samples) the number of the part that a sample holds most of.

    Returns
    -------
    consensus
        (samples, samples), symmetric, from 0 to 1, with a diagonal of ones.

    Examples
    --------
    >>> consensus_matrix([[0, 0, 1], [1, 0, 0]])[0].tolist()
    [1.0, 0.5, 0.0]
    """
    table = np.asarray(labels)
    if table.ndim != 2 or not table.size:
        raise InputProblem(
            f"labels have shape {table.shape}", argument="labels", fix="give starts x samples"
        )
    starts, samples = table.shape
    together = np.zeros((samples, samples), dtype=np.int32)
    for row in table:
        together += row[:, None] == row
    return np.asarray(together / starts)


def cophenetic(consensus: ArrayLike) -> float:
    """Return the cophenetic correlation of a consensus matrix: 1 when all starts agree.

    The correlation between 1 − consensus and the heights at which average
    linkage joins two samples. It is 1 by convention where all distances are
    equal, as for a single part.
    """
    distances = _distances(consensus)
    if distances.size == 0 or np.ptp(distances) == 0:
        return 1.0
    heights = cophenet(linkage(distances, "average"))
    return float(np.corrcoef(distances, heights)[0, 1])


def dispersion(consensus: ArrayLike) -> float:
    """Return how far consensus is from undecided, 0 for all ½ and 1 for all 0 or 1.

    The coefficient of Kim and Park (Bioinformatics 23, 2007).
    """
    return float(np.mean(4 * (np.asarray(consensus, dtype=np.float64) - 0.5) ** 2))


def consensus_clusters(consensus: ArrayLike, number: int) -> NDArray[np.intp]:
    """Return (samples,) cluster numbers: average linkage on 1 − consensus, cut at `number`."""
    tree = linkage(_distances(consensus), "average")
    return np.asarray(cut_tree(tree, n_clusters=[number]).ravel(), dtype=np.intp)


def _distances(consensus: ArrayLike) -> NDArray[np.float64]:
    table = np.asarray(consensus, dtype=np.float64)
    apart = np.clip(1 - table, 0, 1)
    np.fill_diagonal(apart, 0)
    return np.asarray(squareform((apart + apart.T) / 2, checks=False))
