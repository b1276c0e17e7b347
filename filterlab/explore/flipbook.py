"""Pictures drawn beforehand, and a slider that turns the pages."""

from collections.abc import Mapping

import ipywidgets as widgets

from filterlab import show
from filterlab.explore.explorer import Explorer, View, script


class _View(View):
    _esm = script("flipbook")


class Flipbook(Explorer):
    """A slider and the picture that belongs to its value; all pictures are drawn beforehand, and the browser turns the pages by itself.

    pages: what the slider says at a page → its picture, in order. name: what the slider chooses. start: the label it begins with
    (default: the first). `picture` is the page that is shown; where the slider cannot live (an exported page), it stands in for it.
    Raises ValueError for no pages, or a start that is not among them.
    """

    def __init__(self, pages: Mapping[str, show.Picture], name: str, start: str | None = None):
        if not pages:
            raise ValueError("pages is empty: there is nothing to show")
        labels = list(pages)
        if start is not None and start not in pages:
            raise ValueError(f"start={start!r} is not one of the pages: {', '.join(labels)}")
        self._pages = list(pages.values())
        self._slider = widgets.SelectionSlider(
            options=[(label, place) for place, label in enumerate(labels)],
            index=0 if start is None else labels.index(start),
            description=name,
            layout=widgets.Layout(width="min(600px, 100%)"),
            style={"description_width": "initial"},
        )
        stack = widgets.Stack([widgets.HTML(page.html) for page in self._pages], selected_index=self._slider.index)
        self._turning = widgets.jslink((self._slider, "index"), (stack, "selected_index"))
        view = _View(controls={"slider": self._slider})
        super().__init__(view, [self._slider, stack, view])

    @property
    def picture(self) -> show.Picture:
        """The page that is shown."""
        return self._pages[self._slider.index]

    def close(self) -> None:
        """Take the flipbook off the page and free all that belongs to it."""
        self._turning.close()
        super().close()
