"""The story as a text area: typing edits the room at once, and others' edits appear in place."""

from __future__ import annotations

from typing import Any, ClassVar

from pycrdt import Text as Story
from rich.markup import escape
from rich.style import Style
from rich.text import Text
from textual.widgets import TextArea
from textual.widgets.text_area import Edit, EditResult

from antiphon_client.errors import ClientError, NothingToUndo
from antiphon_client.room import Room
from antiphon_client.terminal.splice import difference, index, location, shown
from antiphon_proto.schema import ATTR_AI, ATTR_SUGGEST, ATTR_SUGGEST_DELETE, STORY


class StoryArea(TextArea):
    """Undo is the room's: it knows whose edit was whose."""

    BORDER_TITLE = "Story"
    _STYLES: ClassVar[dict[str, Style]] = {
        ATTR_AI: Style(color="cyan"),
        ATTR_SUGGEST: Style(color="green", underline=True),
        ATTR_SUGGEST_DELETE: Style(color="red", strike=True),
        "bold": Style(bold=True),
        "italic": Style(italic=True),
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(soft_wrap=True, tab_behavior="focus", highlight_cursor_line=False, **options)
        self._room: Room | None = None
        self._following = False
        self._spans: dict[int, list[tuple[int, int, Style]]] = {}

    def attach(self, room: Room) -> None:
        """From now on this is the room's text."""
        self._room = room
        self.read_only = room.me is not None and room.me.role == "viewer"
        self.follow()

    def follow(self) -> None:
        """Show the room's current text; the cursor stays at its words."""
        if self._room is None:
            return
        change = difference(self.text, shown(self._room.text))
        if change is not None:
            start, end = location(self.text, change.start), location(self.text, change.end)
            self._following = True
            try:
                self.replace(change.text, start, end)
            finally:
                self._following = False
        spans = self._marks()
        if spans != self._spans:
            self._spans = spans
            self.notify_style_update()
            self.refresh()

    @property
    def place(self) -> int:
        """The cursor, in characters of the story."""
        return index(self.text, self.cursor_location)

    @property
    def selected(self) -> tuple[int, int] | None:
        """[start, end) of the selection; None when there is none."""
        start, end = sorted((index(self.text, self.selection.start), index(self.text, self.selection.end)))
        return (start, end) if end > start else None

    def edit(self, edit: Edit) -> EditResult:
        """Every change of this widget comes by here; a person's own goes to the room first."""
        if self._following or self._room is None:
            return super().edit(edit)
        start, end = sorted((index(self.text, edit.from_location), index(self.text, edit.to_location)))
        if end > start:
            self._room.delete(start, end)
        if edit.text:
            self._room.insert(start, edit.text)
        return super().edit(
            Edit(shown(edit.text), edit.from_location, edit.to_location, edit.maintain_selection_offset)
        )

    def action_undo(self) -> None:
        """Undo one's own last action."""
        self.run_worker(self._step_back(back=True), exclusive=False)

    def action_redo(self) -> None:
        """Redo one's own last undone action."""
        self.run_worker(self._step_back(back=False), exclusive=False)

    async def _step_back(self, *, back: bool) -> None:
        if self._room is not None:
            try:
                await (self._room.undo() if back else self._room.redo())
            except NothingToUndo:
                pass
            except ClientError as error:
                self.notify(escape(str(error)), severity="warning")

    def get_line(self, line_index: int) -> Text:
        """Textual: a line with the styles of its passages."""
        line = super().get_line(line_index)
        for start, end, style in self._spans.get(line_index, ()):
            line.stylize(style, start, end)
        return line

    def _marks(self) -> dict[int, list[tuple[int, int, Style]]]:
        """Styled passages, by line."""
        spans: dict[int, list[tuple[int, int, Style]]] = {}
        if self._room is None:
            return spans
        line = column = 0
        for content, attributes in self._room.document.get(STORY, type=Story).diff():
            if not isinstance(content, str):
                continue
            styles = [self._STYLES[name] for name in attributes or () if name in self._STYLES]
            parts = content.split("\n")
            for part in parts[:-1]:
                spans.setdefault(line, []).extend((column, column + len(part), style) for style in styles)
                line, column = line + 1, 0
            spans.setdefault(line, []).extend((column, column + len(parts[-1]), style) for style in styles)
            column += len(parts[-1])
        return {number: found for number, found in spans.items() if found}
