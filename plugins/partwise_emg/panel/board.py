"""What stands beside the form? The sections of the panel, one below the other."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from partwise_app.api import Host
from partwise_emg.panel.channels import ChannelList
from partwise_emg.panel.cycles import CycleList
from partwise_emg.panel.filtering import BeforeAfter
from partwise_emg.panel.norms import Norms
from partwise_emg.panel.rules import Rules

__all__ = ["Panel"]


class Panel(QWidget):
    """Rules and cycles, channels, the filter before and after, comparison and norm.

    Parameters
    ----------
    host : Host
    """

    def __init__(self, host: Host) -> None:
        super().__init__()
        box = QVBoxLayout(self)
        box.setContentsMargins(14, 12, 14, 12)
        box.setSpacing(14)
        for section in (
            Rules(host),
            # They show themselves at once where there is something: without a parent, as windows.
            ChannelList(host, self),
            CycleList(host, self),
            BeforeAfter(host, self),
            Norms(host, self),
        ):
            box.addWidget(section)
