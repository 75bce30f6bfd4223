"""The web client's built files: `/` and `/r/{room}` are the page, everything else is looked up beside it. And the
instruments of the jam, which are the band's own SoundFont."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

import antiphon_engines
from antiphon_proto.errors import NotFound

STATIC = Path(__file__).parents[1] / "static"
FONTS = STATIC / "fonts"
"""For the server's own use: the typewriter's face of printed scripts."""
DICTIONARIES = STATIC / "dictionaries"
"""For the server's own use too: the words of its checker of spelling."""
SOUND_FONT = Path(antiphon_engines.__file__).parent / "weights" / "music" / "band.sf3"
_FOREVER = "public, max-age=31536000, immutable"
"""For assets: their names hold a hash of their content."""
_ASK_AGAIN = "no-cache"
_FOR_A_WEEK = "public, max-age=604800"

_NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Antiphon</title>
<h1>The web client has not been built</h1>
<p>The server itself runs. Build the client with <code>make web</code> in the checkout and reload this page.</p></html>
"""


class ClientFiles:
    def __init__(self, root: Path = STATIC) -> None:
        self._root = root.resolve()

    def routes(self) -> tuple[web.RouteDef, ...]:
        """The last ones of an application: they take every address that is left."""
        return (
            web.get("/", self.page),
            web.get("/r/{room}", self.page),
            web.get("/sounds/band.sf3", self.sounds),
            web.get("/{path:.+}", self.file),
        )

    async def page(self, _request: web.Request) -> web.StreamResponse:
        page = self._root / "index.html"
        if not page.is_file():
            return web.Response(text=_NOT_BUILT, status=503, content_type="text/html")
        return web.FileResponse(page, headers={"Cache-Control": _ASK_AGAIN})

    async def sounds(self, _request: web.Request) -> web.StreamResponse:
        if not SOUND_FONT.is_file():
            raise NotFound("this installation has no SoundFont")
        headers = {"Cache-Control": _FOR_A_WEEK, "Content-Type": "audio/x-soundfont"}
        return web.FileResponse(SOUND_FONT, headers=headers)

    async def file(self, request: web.Request) -> web.StreamResponse:
        path = self._find(request.match_info["path"])
        if path is None:
            raise NotFound("there is nothing at this address")
        hashed = path.parent == self._root / "assets"
        return web.FileResponse(path, headers={"Cache-Control": _FOREVER if hashed else _ASK_AGAIN})

    def _find(self, name: str) -> Path | None:
        try:
            path = (self._root / name).resolve()
            return path if path.is_relative_to(self._root) and path.is_file() else None
        except (OSError, ValueError):  # names that no file system takes
            return None
