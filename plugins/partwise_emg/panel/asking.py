"""What does the form say now? Its values as the analysis would get them."""

from __future__ import annotations

from partwise.api import InputProblem, UsageProblem
from partwise_app.api import Host
from partwise_emg.asked import Params

__all__ = ["asked"]


def asked(host: Host) -> Params | None:
    """Return the parameters of the form; None where one of them cannot be."""
    try:
        return Params(**dict(host.parameters))
    except (TypeError, InputProblem, UsageProblem):
        return None
