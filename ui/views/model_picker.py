"""Which model answers: a button that says it, the list of those that are here, and what its engine does."""

from __future__ import annotations

from PySide6.QtCore import (
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFont, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QListView,
    QMenu,
    QProgressBar,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.domain.model import Model
from ui.texts import SEPARATOR, engine_text, model_line, model_title, placement_text
from ui.theme import INTERFACE_PT, Theme
from ui.viewmodels.getting import Getting
from ui.viewmodels.models import MODEL_ROLE, STATUS_ROLE, Models
from ui.views.get_form import GetForm
from ui.views.menus import model_menu
from ui.widgets.buttons import icon_button, push_button
from ui.widgets.context import open_context_menu
from ui.widgets.labels import ElidedLabel

_ROW_PX = 52
_POPUP_PX = 400
_MOST_ROWS = 8
_STEPS = 1000
_AnyIndex = QModelIndex | QPersistentModelIndex


class ModelDelegate(QStyledItemDelegate):
    """Two lines a model: its name and the engine's state, then what it is."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: _AnyIndex) -> QSize:
        return QSize(0, _ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _AnyIndex) -> None:
        model = index.data(MODEL_ROLE)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRect(option.rect).adjusted(0, 1, 0, -1)
        is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
        if is_selected or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color("bubble" if is_selected else "hover"))
            painter.drawRoundedRect(rect, 8, 8)
        inner = rect.adjusted(12, 6, -12, -6)
        state = engine_text(index.data(STATUS_ROLE))
        self._draw_line(painter, inner, model_title(model), state, option.font, "text")
        caption = QFont(option.font)
        caption.setPointSizeF(INTERFACE_PT * 0.85)
        lower = QRect(inner.left(), inner.center().y() + 1, inner.width(), inner.height() // 2)
        self._draw_line(painter, lower, model_line(model), "", caption, "muted")
        painter.restore()

    def _draw_line(
        self, painter: QPainter, rect: QRect, left: str, right: str, font: QFont, token: str
    ) -> None:
        painter.setFont(font)
        metrics = painter.fontMetrics()
        taken = metrics.horizontalAdvance(right) + 12 if right else 0
        top = Qt.AlignmentFlag.AlignTop
        painter.setPen(self._theme.color(token))
        shown = metrics.elidedText(left, Qt.TextElideMode.ElideRight, rect.width() - taken)
        painter.drawText(rect, top | Qt.AlignmentFlag.AlignLeft, shown)
        painter.setPen(self._theme.color("accent"))
        painter.drawText(rect, top | Qt.AlignmentFlag.AlignRight, right)


class ModelPopup(QFrame):
    """The list under the button, and ways to get more. Enter or a click chooses, Esc closes."""

    chosen = Signal(str)
    file_wanted = Signal()

    def __init__(self, models: Models, getting: Getting, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._models = models
        self._theme = theme
        self.setObjectName("popup")
        self.list = QListView()
        self.list.setModel(models)
        self.list.setItemDelegate(ModelDelegate(theme, self.list))
        self.list.setMouseTracking(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setAccessibleName(self.tr("Models"))
        self.list.clicked.connect(self._on_chosen)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._open_menu)
        self.list.installEventFilter(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        column.setSpacing(2)
        column.addWidget(self.list)
        self.get = self._build_way(theme, "plus", self.tr("Get a model…"))
        self.get.clicked.connect(lambda: self.show_form(has_list=True))
        self.open_file = self._build_way(theme, "model-file", self.tr("Open a model file…"))
        self.open_file.clicked.connect(self._on_file)
        self.form = GetForm(getting)
        self.form.closed.connect(self._leave_form)
        self._has_list = False  # before the form
        getting.begun.connect(self.close)
        self.form.resized.connect(self._fit)
        for widget in (self.get, self.open_file, self.form):
            column.addWidget(widget)

    def show_form(self, *, has_list: bool = False) -> None:
        """`has_list` says that leaving the form leads back to the list."""
        self._has_list = has_list
        self._show_page(is_form=True)
        self.form.begin(has_list=has_list)

    def _leave_form(self) -> None:
        """What was begun by it goes on."""
        if self._has_list:
            self.show_list()
        else:
            self.close()

    def show_list(self) -> None:
        self._show_page(is_form=False)
        first = self.list if self._models.rowCount() else self.get
        first.setFocus(Qt.FocusReason.PopupFocusReason)

    def _show_page(self, *, is_form: bool) -> None:
        self.list.setVisible(not is_form and self._models.rowCount() > 0)
        self.get.setVisible(not is_form)
        self.open_file.setVisible(not is_form)
        self.form.setVisible(is_form)
        self._fit()

    def _fit(self) -> None:
        layout = self.layout()
        layout.invalidate()
        needed = layout.totalHeightForWidth(_POPUP_PX) if layout.hasHeightForWidth() else -1
        self.setFixedSize(_POPUP_PX, needed if needed > 0 else layout.totalSizeHint().height())

    def _build_way(self, theme: Theme, icon: str, text: str) -> QPushButton:
        button = push_button(text, "way")
        theme.dress(button, icon, "muted")
        return button

    def _on_file(self) -> None:
        self.close()
        self.file_wanted.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.form.isVisible():
            self._leave_form()
        else:
            super().keyPressEvent(event)

    def open_under(self, button: QWidget) -> None:
        rows = max(1, min(self._models.rowCount(), _MOST_ROWS))
        self.list.setFixedHeight(rows * _ROW_PX + 4)
        selected = self._models.selected
        for row in range(self._models.rowCount()):
            model = self._models.index(row).data(MODEL_ROLE)
            if selected is not None and model.id == selected.id:
                self.list.setCurrentIndex(self._models.index(row))
        self.move(button.mapToGlobal(QPoint(0, button.height() + 4)))
        self.show_list()
        self.show()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
                self._on_chosen(self.list.currentIndex())
                return True
            if event.key() == Qt.Key.Key_Escape:
                self.close()
                return True
            if event.key() == Qt.Key.Key_F10:
                open_context_menu(self.list)
                return True
        return super().eventFilter(watched, event)

    def make_menu(self, model: Model) -> QMenu:
        return model_menu(self, self._theme, self._models, model, self._choose)

    def _open_menu(self, place: QPoint) -> None:
        model = self.list.indexAt(place).data(MODEL_ROLE)
        if isinstance(model, Model):
            menu = self.make_menu(model)
            menu.exec(self.list.viewport().mapToGlobal(place))
            menu.deleteLater()

    def _choose(self, model_id: str) -> None:
        self.close()
        self.chosen.emit(model_id)

    def _on_chosen(self, index: QModelIndex) -> None:
        model = index.data(MODEL_ROLE)
        if isinstance(model, Model):
            self._choose(model.id)


class ModelPicker(QWidget):
    """The head of the window's middle. Shows the model that answers next."""

    file_wanted = Signal()

    def __init__(self, models: Models, getting: Getting, theme: Theme) -> None:
        super().__init__()
        self._models = models
        self.button = self._build_button(theme)
        self.popup = ModelPopup(models, getting, theme, self)
        self.popup.file_wanted.connect(self.file_wanted)
        self.popup.chosen.connect(models.choose)
        self.bar = QProgressBar()
        self.bar.setRange(0, _STEPS)
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(120)
        self.bar.setAccessibleName(self.tr("Loading the model"))
        self.state = ElidedLabel(kind="caption")
        self.cancel = push_button(self.tr("Cancel"), "link")
        self.cancel.clicked.connect(models.cancel_load)
        self.eject = icon_button(theme, "eject", self.tr("Unload the model from memory"))
        self.eject.clicked.connect(self.eject_selected)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.button)
        row.addStretch(1)
        for widget in (self.bar, self.state, self.cancel, self.eject):
            row.addWidget(widget)
        models.changed.connect(self._show)
        self._show()

    def open(self) -> None:
        if self._models.is_known:
            self.popup.open_under(self.button)

    def open_form(self) -> None:
        self.open()
        if self.popup.isVisible():
            self.popup.show_form()

    def _build_button(self, theme: Theme) -> QPushButton:
        button = push_button("", "row")
        theme.dress(button, "chevron-down", "muted")
        button.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # the sign stands after the words
        button.clicked.connect(self.open)
        return button

    def eject_selected(self) -> None:
        selected = self._models.selected
        if selected is not None and self._models.can_eject:
            self._models.eject(selected.id)

    def _show(self) -> None:
        selected, status, loading = self._models.selected, self._models.selected_status, self._models.loading
        title = model_title(selected) if selected is not None else self.tr("No model")
        self.button.setText(title)
        self.button.setAccessibleName(self.tr("Model: {model}").format(model=title))
        self.button.setVisible(self._models.is_known)
        if loading is not None:
            self.bar.setValue(int(_STEPS * loading.progress))
            self.state.set_whole_text(engine_text(loading))
        elif self._models.can_eject and status is not None and status.loaded is not None:
            short = engine_text(status)
            self.state.set_whole_text(SEPARATOR.join([short, placement_text(status.loaded)]), short)
        else:
            self.state.set_whole_text(engine_text(status))
        self.bar.setVisible(loading is not None)
        self.cancel.setVisible(loading is not None)
        self.eject.setVisible(self._models.can_eject and loading is None)
