"""Accessibility of a page by axe-core (https://github.com/dequelabs/axe-core): WCAG 2.2, levels A and AA, the size of
pressed buttons included."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Page

SOURCE = Path(__file__).parents[2] / "clients" / "web" / "node_modules" / "axe-core" / "axe.min.js"
_RUN = """async () => {
    // Colours in the middle of a transition are none that anybody reads.
    for (const each of document.getAnimations())
        if (each.effect.getComputedTiming().endTime !== Infinity) each.finish();
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
    const found = await axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] });
    return found.violations.flatMap(({ id, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary}`));
}"""


async def prepare(page: Page) -> None:
    """Before the page is opened: its own policy would not let the script in later."""
    await page.add_init_script(path=SOURCE)


async def violations(page: Page) -> list[str]:
    """The faults of the page as it stands, a line for each place."""
    found: list[str] = await page.evaluate(_RUN)
    return found
