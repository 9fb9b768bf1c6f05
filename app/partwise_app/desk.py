"""Where does everything stand? List, stage, mixer, form and trust around one picture."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QSize, Qt
from PySide6.QtWidgets import (
    QHBoxLayout,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from partwise_app import icons
from partwise_app.controls import Rule, SectionLabel, button, label, set_icon
from partwise_app.form import ParamForm
from partwise_app.glance import TrustGlance
from partwise_app.keyed import hand_over
from partwise_app.measures import MeasuresCard
from partwise_app.mixer import Mixer
from partwise_app.sheets import Sheets
from partwise_app.stagebar import StageBar
from partwise_app.theme import Tokens
from partwise_app.tree import ProjectTree
from partwise_app.trust import TrustCard
from partwise_app.viewers.curve import ConvergenceCurve
from partwise_app.viewers.plots import PlotStage
from partwise_app.viewers.scatter import ScatterView
from partwise_app.viewers.stage import ImageStage
from partwise_app.viewers.views import ViewStage
from partwise_app.words import tr

__all__ = ["Desk"]

_SIDES = (216, 290)  # px of the list and of the form, at first
_BOTTOM = 184
_CURVE_HEIGHT = 92


class _Narrow(QWidget):
    """Room for a plugin's panel, which never makes the column wider than it is."""

    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())


class Desk(QWidget):
    """The working page: widgets in their places, without a will of their own."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tree = ProjectTree()
        self.stagebar = StageBar()
        self.stage = ImageStage()
        self.sheets = Sheets()
        self._views = QStackedWidget()
        self._views.addWidget(self.stage)
        self._views.addWidget(self.sheets)
        self.plots = PlotStage()
        self._views.addWidget(self.plots)
        self.views = ViewStage()
        self._views.addWidget(self.views)
        self.mixer = Mixer()
        self.scatter = ScatterView()
        self.form = ParamForm()
        self.curve = ConvergenceCurve()
        self.trust = TrustCard()
        self.glance = TrustGlance()
        self.glance.clicked.connect(self.show_trust)
        self.measures = MeasuresCard()
        self.export = button(
            tr(" Export…"),
            "small",
            name=tr("Export"),
            tip=tr("Images and tables of this run (Ctrl+E)"),
        )
        self.report = button(
            tr(" Report…"),
            "small",
            name=tr("Save a report"),
            tip=tr("Methods, figures and numbers, as PDF or HTML (Ctrl+Shift+R)"),
        )
        self._panel: QWidget | None = None
        room = _Narrow()
        self._panel_room = room
        self._panel_box = QVBoxLayout(room)
        self._panel_box.setContentsMargins(0, 0, 0, 0)
        self._under: QWidget | None = None
        self._parked = QWidget(self)  # holds the panels of plugins that are not looked at
        self._parked.hide()
        self._under_box = QVBoxLayout()
        self._scatter_title = SectionLabel(tr("Optical density"))
        self._scatter_hint = label("", "small")
        self._scatter_box = self._make_scatter()
        self._across = QSplitter(Qt.Orientation.Horizontal)
        self._across.setHandleWidth(1)
        self._across.setChildrenCollapsible(False)
        for widget in (self.tree, self._make_middle(), self._make_side()):
            self._across.addWidget(widget)
        self._across.setStretchFactor(1, 1)
        frame = QHBoxLayout(self)
        frame.setContentsMargins(0, 0, 0, 0)
        frame.addWidget(self._across)
        self.reset_layout()

    def reset_layout(self) -> None:
        """Put the borders back where they were at first."""
        left, right = _SIDES
        self._across.setSizes([left, 800, right])
        self._down.setSizes([560, _BOTTOM])

    def layout_bytes(self) -> QByteArray:
        """Return where the borders are."""
        return self._across.saveState()

    def restore_layout(self, state: QByteArray) -> None:
        """Put the borders where they were."""
        if not state.isEmpty():
            self._across.restoreState(state)

    def show_image(self, image: bool) -> None:
        """Show the stage of an image, or the sheets of what is none."""
        self._views.setCurrentWidget(self.stage if image else self.sheets)
        self.stagebar.setVisible(image)

    def show_plots(self) -> None:
        """Show the stage of a table, which has a row of tabs of its own."""
        self._views.setCurrentWidget(self.plots)
        self.stagebar.hide()

    def show_views(self) -> None:
        """Show the stage of signals, volumes and nets, which has a row of tabs of its own."""
        self._views.setCurrentWidget(self.views)
        self.stagebar.hide()

    def order_tabs(self) -> None:
        """Let Tab go through the page as it is read; widgets that came later are put in place."""
        areas: list[QWidget] = [self.tree, self.stagebar, self._over]
        areas += [self._under] if self._under is not None else []
        areas += [*self.mixer.strip_views(), self.scatter]
        areas += [self.form, self.curve, self.trust]
        if self._panel is not None:
            areas.append(self._panel)
        areas += [self.measures, self.glance, self.report, self.export]
        former: QWidget | None = None
        for area in areas:
            for widget in (area, *area.findChildren(QWidget)):
                if not self._takes_tab(widget):
                    continue
                if former is not None and former.nextInFocusChain() is not widget:
                    QWidget.setTabOrder(former, widget)
                former = widget

    def _takes_tab(self, widget: QWidget) -> bool:
        """Whether Tab stops at a widget of this window that is not on its way out."""
        stops = bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
        # One that was added just now is hidden as well, but nobody has said so.
        said = widget.testAttribute(Qt.WidgetAttribute.WA_WState_ExplicitShowHide)
        gone = said and widget.isHidden()
        return stops and not gone and widget.window() is self.window()

    def show_over(self, page: QWidget | None) -> None:
        """Show a page in place of the stage and its tabs; None goes back to them."""
        if page is None:
            self._over.setCurrentIndex(0)
            hand_over(self.shown)
            return
        if self._over.indexOf(page) < 0:
            self._over.addWidget(page)
        self._over.setCurrentWidget(page)

    @property
    def has_stage(self) -> bool:
        """Whether there is a stage on which one part can be looked at alone."""
        return self._views.currentWidget() in (self.stage, self.plots)

    @property
    def shown(self) -> ImageStage | PlotStage | ViewStage:
        """The stage that commands of looking go to."""
        now = self._views.currentWidget()
        return now if isinstance(now, PlotStage | ViewStage) else self.stage

    def drawing(self, kind: str) -> QWidget | None:
        """Return the drawing of a kind of view that is on the stage; None where there is none."""
        now = self._views.currentWidget()
        if isinstance(now, PlotStage | ViewStage):
            return now.drawing(kind)
        if now is self.sheets:
            return self.sheets.drawing(kind)
        if kind == "scatter":
            return self.scatter
        return self.stage if kind == "image" else None

    def park_panel(self, panel: QWidget) -> None:
        """Keep a panel that will be shown, dressed already: that takes as long as making it."""
        if panel is self._panel:
            return
        under = getattr(panel, "under_stage", None)
        for widget in (panel, under):
            if isinstance(widget, QWidget):
                widget.setParent(self._parked)
                for child in (widget, *widget.findChildren(QWidget)):
                    child.ensurePolished()

    def show_panel(self, panel: QWidget | None) -> None:
        """Show a plugin's own panel below the form, in place of the one before.

        What it wants between stage and mixer, its ``under_stage``, goes there.
        """
        if self._panel is panel:
            return
        if self._panel is not None:
            self._panel_box.removeWidget(self._panel)
            self._panel.setParent(self._parked)
        if self._under is not None:
            self._under_box.removeWidget(self._under)
            self._under.setParent(self._parked)
        self._panel = panel
        under = getattr(panel, "under_stage", None)
        self._under = under if isinstance(under, QWidget) else None
        if panel is not None:
            self._panel_box.addWidget(panel)
        if self._under is not None:
            self._under_box.addWidget(self._under)

    def show_trust(self) -> None:
        """Bring the findings to the top of their column."""
        self._side.verticalScrollBar().setValue(self.trust.y())

    def show_scatter(self, title: str, hint: str, about: str) -> None:
        """Show the scatter beside the mixer under a title; an empty title hides it."""
        self._scatter_title.setToolTip(about)
        self._scatter_title.set_words(title)
        self._scatter_hint.setText(hint)
        self._scatter_box.setVisible(bool(title))

    def set_theme(self, tokens: Tokens) -> None:
        for widget in (
            self.tree,
            self.stagebar,
            self.stage,
            self.sheets,
            self.plots,
            self.views,
            self.scatter,
            self.curve,
            self.trust,
            self.glance,
        ):
            widget.set_theme(tokens)
        set_icon(self.export, icons.icon("export", tokens.muted), 14)
        set_icon(self.report, icons.icon("report", tokens.muted), 14)

    def _make_scatter(self) -> QWidget:
        made = QWidget()
        made.setMinimumWidth(244)
        made.setMaximumWidth(400)
        box = QVBoxLayout(made)
        box.setContentsMargins(14, 12, 10, 8)
        box.setSpacing(4)
        head = QHBoxLayout()
        head.addWidget(self._scatter_title, 1)
        head.addWidget(self._scatter_hint)
        box.addLayout(head)
        box.addWidget(self.scatter, 1)
        made.hide()
        return made

    def _make_middle(self) -> QWidget:
        top = QWidget()
        box = QVBoxLayout(top)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.stagebar)
        box.addWidget(self._views, 1)
        bottom = QWidget()
        bottom.setObjectName("mixer")
        bottom.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        row = QHBoxLayout(bottom)
        row.setContentsMargins(0, 1, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.mixer, 3)
        row.addWidget(self._scatter_box, 1)
        bottom.setMinimumHeight(_BOTTOM)
        self._down = QSplitter(Qt.Orientation.Vertical)
        self._down.setHandleWidth(1)
        self._down.setChildrenCollapsible(False)
        self._over = QStackedWidget()
        self._over.addWidget(top)
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._over, 1)
        self._under_box.setContentsMargins(0, 0, 0, 0)
        column.addLayout(self._under_box)
        self._down.addWidget(middle)
        self._down.addWidget(bottom)
        self._down.setStretchFactor(0, 1)
        return self._down

    def _make_side(self) -> QWidget:
        convergence = QWidget()
        box = QVBoxLayout(convergence)
        box.setContentsMargins(14, 12, 14, 10)
        box.setSpacing(6)
        box.addWidget(SectionLabel(tr("Convergence")))
        self.curve.setFixedHeight(_CURVE_HEIGHT)
        box.addWidget(self.curve)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.report)
        row.addWidget(self.export)
        row.addStretch()
        ends = QWidget()
        foot = QVBoxLayout(ends)
        foot.setContentsMargins(14, 8, 14, 10)
        foot.setSpacing(6)
        foot.addWidget(self.glance)
        foot.addLayout(row)
        body = QWidget()
        stack = QVBoxLayout(body)
        stack.setContentsMargins(0, 0, 0, 0)
        stack.setSpacing(0)
        stack.addWidget(self.form)
        stack.addWidget(Rule())
        for widget in (convergence, Rule(), self.trust):
            stack.addWidget(widget)
        stack.addWidget(self._panel_room)
        stack.addWidget(self.measures)
        stack.addStretch(1)
        self._side = scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(body)
        side = QWidget()
        side.setMinimumWidth(264)
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(scroll, 1)
        column.addWidget(Rule())
        column.addWidget(ends)
        return side
