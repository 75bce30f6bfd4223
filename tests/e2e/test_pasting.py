"""Words from other programs: their clipboards' HTML as they write it, files on the text, and random pages."""

from __future__ import annotations

import random
import re

import pytest
from playwright.async_api import expect

from support.pages import Company, Person
from support.server import ServedProcess

pytestmark = pytest.mark.e2e

PASTE = """(editor, html) => {
    const clipboard = new DataTransfer();
    clipboard.setData("text/html", html);
    clipboard.setData("text/plain", "plain");
    editor.dispatchEvent(new ClipboardEvent("paste", { clipboardData: clipboard, bubbles: true, cancelable: true }));
}"""
DROP = """(editor, files) => {
    const data = new DataTransfer();
    for (const [name, type, text] of files) data.items.add(new File([text], name, { type }));
    editor.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true,
        clientX: editor.getBoundingClientRect().x + 90, clientY: editor.getBoundingClientRect().y + 30 }));
}"""
# Each line as its kind, its level and its words, with the formats in brackets.
SHOWN = """(editor) => [...editor.querySelectorAll(":scope > :not(ol), ol > li")].map((line) => {
    const said = (node) => node.nodeType === 3 ? node.data.replaceAll("\\ufeff", "")
        : node.classList.contains("ql-ui") ? ""
        : { STRONG: "b", EM: "i", U: "u", S: "s", A: "a" }[node.tagName]
        ? `<${{ STRONG: "b", EM: "i", U: "u", S: "s", A: "a" }[node.tagName]}:` +
            [...node.childNodes].map(said).join("") + ">"
        : [...node.childNodes].map(said).join("");
    const kind = line.tagName === "P" ? "" : `${line.dataset.list ?? line.tagName.toLowerCase()}` +
        `${/ql-indent-(\\d)/.exec(line.className)?.[1] ?? ""} `;
    return kind + [...line.childNodes].map(said).join("");
})"""

EXCEL = """<html xmlns:x="urn:schemas-microsoft-com:office:excel"><head><meta name=ProgId content=Excel.Sheet>
<style>
<!--table {mso-displayed-decimal-separator:"\\.";}
td {padding-top:1px;font-weight:400;font-style:normal;text-decoration:none;white-space:nowrap;}
.xl65 {font-weight:700;}
.xl66 {font-style:italic;text-decoration:line-through;}
-->
</style></head><body link="#0563C1"><table border=0 width=192 style='border-collapse:collapse'>
<!--StartFragment-->
 <col width=64 span=3 style='width:48pt'>
 <tr height=20><td height=20 class=xl65 width=64>Name</td><td class=xl65>Age</td><td></td></tr>
 <tr height=20><td>Mira</td><td align=right>31</td><td class=xl66>left</td></tr>
 <tr height=20><td colspan=2>both</td><td>&nbsp;x&nbsp;</td></tr>
<!--EndFragment-->
</table></body></html>"""
SHEETS = """<meta charset='utf-8'><google-sheets-html-origin><style type="text/css"><!--td {border: 1px solid #ccc;}
br {mso-data-placement:same-cell;}--></style><table xmlns="http://www.w3.org/1999/xhtml" cellspacing="0" dir="ltr"
style="table-layout:fixed" data-sheets-root="1"><colgroup><col width="100"/><col width="100"/></colgroup><tbody>
<tr style="height:21px;"><td style="overflow:hidden;font-weight:bold;">Day</td><td>Rain</td></tr>
<tr style="height:21px;"><td>1 May<br/>morning</td><td style="text-align:right;">3</td></tr></tbody></table>"""
LIBRE = """<!DOCTYPE html><html><head><meta name="generator" content="LibreOffice 7.6 (Linux)"/>
<style type="text/css">@page { margin: 2cm } p { line-height: 115%; background: transparent }
h1.western { font-size: 18pt; font-weight: bold }</style></head><body lang="en-US" dir="ltr">
<h1 class="western">Chapter</h1><p style="line-height: 100%">Some <b>loud</b>, <i>thin</i>, <u>low</u> and
<strike>gone</strike><sup><a class="sdfootnoteanc" href="#sdfootnote1sym"><sup>1</sup></a></sup></p>
<ol><li><p style="x">One</p></li><ol><li><p>Below</p></li></ol><li><p>Two</p></li></ol>
<table width="100%" cellpadding="4"><col width="128*"/><tr valign="top"><td><p>a</p></td><td><p>b</p></td></tr></table>
<p><img src="file:///tmp/x.png" name="Image1" width="200" height="100"/></p>
<div id="sdfootnote1"><p class="sdfootnote"><a class="sdfootnotesym" href="#sdfootnote1anc">1</a>The note.</p></div>
</body></html>"""
PAGES = """<!DOCTYPE html PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd"><html><head>
<meta name="Generator" content="Cocoa HTML Writer"><style type="text/css">
p.p1 {margin: 0.0px; font: 12.0px 'Helvetica Neue'} span.s1 {text-decoration: underline}
span.s2 {font: bold 12.0px Helvetica} span.s3 {text-decoration: line-through}
span.Apple-tab-span {white-space:pre} ul.ul1 {list-style-type: disc}
</style></head><body><p class="p1"><b>Loud</b><span class="s1">low</span><span class="s2">fat</span><span
class="s3">gone</span><span class="Apple-tab-span">\t</span>after</p><ul class="ul1"><li class="li1">One</li></ul>
</body></html>"""
NOTION = """<meta charset='utf-8'><!-- notionvc: 0c1d7e0a --><h1>Plan</h1>
<p>A <strong>loud</strong> <a href="https://example.org/">link</a> and <code>code</code></p>
<ul>
<li>[ ]  Buy ink</li>
<li>[x]  Call Mira</li>
</ul>
<hr>
<details><summary>More</summary><p>Inside</p></details>
<aside>\U0001f4a1 A hint</aside><aside>Another</aside>
<p><img src="x.png" alt="\U0001f642"><ruby>光<rp>(</rp><rt>ひかり</rt></ruby></p>"""
GOOGLE = """<meta charset='utf-8'><b style="font-weight:normal;" id="docs-internal-guid-1"><ul>
<li dir="ltr" role="checkbox" aria-checked="true" style="list-style-type:none"><img src="data:image/png;base64,AA=="
width="18px" height="18px" aria-roledescription="checkbox"/><p dir="ltr"><span>done</span></p></li>
<li dir="ltr" role="checkbox" aria-checked="false"><p><span style="font-weight:700">open</span></p></li></ul></b>"""
WORD = """<html xmlns:w="urn:schemas-microsoft-com:office:word"><head><style><!-- h1 {font-weight:bold;}
p.MsoNormal {mso-style-unhide:no;} --></style></head><body><!--StartFragment-->
<p class=MsoNormal>Left<span style='mso-tab-count:1'>      </span>right <s>old</s> <ins cite="x">new</ins>
<a href="#_ftn1" name="_ftnref1">[1]</a><span style='display:none;mso-hide:all'>secret</span></p>
<div style='mso-element:footnote-list'><hr align=left size=1 width="33%"><div style='mso-element:footnote' id=ftn1>
<p class=MsoFootnoteText><a href="#_ftnref1">[1]</a> Whale oil.</p></div></div><!--EndFragment--></body></html>"""

SAMPLES = {
    "Excel": (EXCEL, ["<b:Name>\t<b:Age>\t", "Mira\t31\t<i:<s:left>>", "both\t\tx"], "1 table"),
    "Google Sheets": (SHEETS, ["<b:Day>\tRain", "1 May morning\t3"], "1 table"),
    "LibreOffice": (
        LIBRE,
        ["h1 Chapter", "Some <b:loud>, <i:thin>, <u:low> and <s:gone>[1]", "ordered One", "ordered1 Below",
         "ordered Two", "a\tb", "", "[1] The note."],
        "1 picture left out; 1 table",
    ),
    "Apple Pages": (PAGES, ["<b:Loud><u:low><b:fat><s:gone>\tafter", "bullet One", ""], ""),
    "Notion": (
        NOTION,
        ["h1 Plan", "A <b:loud> <a:link> and code", "unchecked Buy ink", "checked Call Mira", "* * *", "More", "Inside",
         "\U0001f4a1 A hint", "Another", "\U0001f642光(ひかり)"],
        "1 ruby reading",
    ),
    "Google Docs": (GOOGLE, ["checked done", "unchecked <b:open>", ""], ""),
    "Word": (WORD, ["Left\tright <s:old> <u:new> [1]", "[1] Whale oil."], "1 hidden piece"),
}  # fmt: skip


async def two(company: Company, served: ServedProcess) -> tuple[Person, Person]:
    links = (await served.new_room())["links"]
    return await company.person("Ada", links["owner"]), await company.person("Eve", links["editor"])


async def empty(person: Person) -> None:
    await person.page.bring_to_front()
    await person.story.focus()
    await person.page.keyboard.press("Control+a")
    await person.page.keyboard.press("Delete")
    await expect(person.story).to_have_text("")
    # The format of the line that stays.
    await person.page.keyboard.press("Backspace")


async def test_what_programs_put_on_the_clipboard_is_kept_or_said(
    company: Company, served: ServedProcess
) -> None:
    ada, eve = await two(company, served)
    # The page's own policy has no inline styles; nothing of the pasted page is loaded.
    for name, (html, lines, told) in SAMPLES.items():
        await empty(ada)
        await ada.story.evaluate(PASTE, html)
        await ada.agrees_with(eve)
        shown = await eve.story.evaluate(SHOWN)
        assert [line.rstrip() for line in shown] == [line.rstrip() for line in lines], name
        notice = ada.page.locator(".notice")
        if told:
            await expect(notice.last).to_contain_text(told)
            await notice.last.get_by_role("button").click()
        await expect(notice).to_have_count(0)

    # A document dropped on the text is imported; a picture says where it goes.
    await empty(ada)
    await ada.story.evaluate(
        DROP, [["a.md", "text/markdown", "# Dropped\n\nwords"], ["b.png", "image/png", "x"]]
    )
    await expect(eve.story.locator("h1")).to_have_text("Dropped")
    await expect(ada.page.locator(".notice")).to_contain_text("b.png was not inserted")
    await ada.agrees_with(eve)
    # What is asked before an import leaves the caret in the text.
    await empty(ada)
    await ada.story.evaluate(DROP, [["a.fountain", "", "Title: The Lamp\n\nWords."]])
    await expect(ada.page.get_by_role("button", name="Insert", exact=True)).to_be_focused()
    await ada.page.keyboard.press("Enter")
    await expect(ada.story).to_be_focused()
    await ada.page.keyboard.type("More")
    await ada.agrees_with(eve, "Title: The Lamp\n\nWords.\nMore")


INLINE = (
    "<b>%</b>", "<i>%</i>", '<span style="font-weight:700">%</span>', '<span class="loud">%</span>', "<font>%</font>",
    '<a href="https://a.example/">%</a>', '<a href="file:///x">%</a>', "<sup>%</sup>", "<code>%</code>",
    "<mark>%</mark>", "<of2040>%</of2040>", "<ins>%</ins>", "<del>%</del>", "<label>%</label>", "<q>%</q>",
    '<span style="white-space:pre">%\t</span>', "<ruby>%<rt>r</rt></ruby>", "<math><mi>%</mi></math>",
)  # fmt: skip
BLOCKS = (
    "<p>%</p>", "<div>%</div>", "<h3>%</h3>", "<ul><li>%</li></ul>", "<ol><li><p>%</p></li></ol>",
    "<blockquote>%</blockquote>",
    "<table><tr><td>%</td><td>x</td></tr></table>", "<table><tr><td>%</td></tr></table>", "<pre>%</pre>",
    "<table><thead><tr><th>%</th><th>x</th></tr></thead></table>",
    "<table><caption>%</caption><tr><td>x</td></tr></table>",
    "<details><summary>%</summary></details>", "<aside>%</aside>", "<section>%</section>", "<dl><dt>%</dt></dl>",
    "<dl><dd>%</dd></dl>", "<figure><figcaption>%</figcaption></figure>", "<fieldset><legend>%</legend></fieldset>",
    "<center>%</center>", "<button>%</button>", "<form>%</form>", '<li role="checkbox">%</li>', "<address>%</address>",
)  # fmt: skip


def words_of(chosen: random.Random, words: list[str], depth: int) -> str:
    """A random page with one more word in each of its innermost blocks."""
    if depth > 0:
        inside = "".join(words_of(chosen, words, depth - 1) for _ in range(chosen.randrange(1, 3)))
    else:
        words.append(f"w{len(words)}z")
        inside = words[-1]
        for wrapping in chosen.choices(INLINE, k=chosen.randrange(3)):
            inside = wrapping.replace("%", inside)
    return chosen.choice(BLOCKS).replace("%", inside)


async def test_no_word_of_a_random_page_is_lost_or_runs_into_another(
    company: Company, served: ServedProcess
) -> None:
    """Property: each word is in the text once, apart from its neighbours."""
    ada, eve = await two(company, served)
    chosen = random.Random(15)
    for _ in range(40):
        words: list[str] = []
        page = "".join(words_of(chosen, words, chosen.randrange(3)) for _ in range(4))
        html = f"<html><head><style>.loud {{ font-weight: bold }}</style></head><body>{page}</body></html>"
        await empty(ada)
        await ada.story.evaluate(PASTE, html)
        found = re.findall(r"w\d+z", await ada.agrees_with(eve))
        assert sorted(found) == sorted(words), html
        text = "\n".join(await ada.story.evaluate(SHOWN))
        assert not re.search(r"z(w|x)|xw", text), (text, html)
