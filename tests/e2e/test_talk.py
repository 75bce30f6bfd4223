"""Talk beside the text, with several pages at once: the chat, comments, and the style card."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, expect

from support.pages import Company, Person, alike
from support.server import ServedProcess

pytestmark = pytest.mark.e2e


async def two(company: Company, served: ServedProcess) -> tuple[Person, Person]:
    links = (await served.new_room())["links"]
    return await company.person("Ada", links["owner"]), await company.person("Мария", links["editor"])


def said(person: Person, text: str | re.Pattern[str]) -> Locator:
    return person.page.locator(".chat .said").filter(has_text=text)


async def say(person: Person, text: str) -> None:
    field = person.page.get_by_role("textbox", name="Say something")
    await field.fill(text)
    await field.press("Enter")


async def said_by_the_model(*people: Person) -> list[str]:
    """Its answers in the chat, when it has said them all and everybody has the same."""

    async def shown() -> list[list[str]]:
        for person in people:
            await expect(person.page.locator(".said-growing")).to_have_count(0)
        return [await person.page.locator(".said-ai .said-text").all_inner_texts() for person in people]

    return await alike(shown)


async def test_the_chat_reaches_everybody_and_says_what_is_unread(
    company: Company, served: ServedProcess
) -> None:
    ada, maria = await two(company, served)
    await ada.tab("Chat")
    await say(ada, "Shall the keeper die?")
    badge = maria.page.locator(".tab-badge")
    await expect(badge).to_contain_text("1")
    await maria.tab("Chat")
    await expect(badge).to_have_count(0)
    await expect(said(maria, "Shall the keeper die?").locator(".said-name")).to_have_text("Ada")
    await say(maria, "Нет, он уплывёт 🌙")
    await expect(said(ada, "Нет, он уплывёт 🌙").locator(".said-name")).to_have_text("Мария")
    await expect(ada.page.locator(".tab-badge")).to_have_count(0)


async def test_the_model_answers_in_the_chat_for_all_to_see(company: Company, served: ServedProcess) -> None:
    ada, maria = await two(company, served)
    await ada.write("The lighthouse keeper had not spoken to anyone in forty days.")
    await ada.tab("Chat")
    await maria.tab("Chat")
    await ada.page.get_by_role("checkbox", name=re.compile("the model$")).check()
    await say(ada, "What happens next?")
    for person in (ada, maria):
        await expect(person.page.locator(".said-ai .said-text")).to_have_text(re.compile(r"\w"))
    await ada.page.keyboard.press("Escape")
    assert len(await said_by_the_model(ada, maria)) == 1
    await maria.sees("lighthouse")

    # Tried again, the new answer takes the place of the old one, in both pages.
    await ada.tab("AI")
    await ada.runs.first.get_by_role("button", name="Try again").click()
    await expect(ada.runs).to_have_count(2)
    await expect(ada.page.locator(".run-running, .run-queued")).to_have_count(0)
    await ada.tab("Chat")
    assert len(await said_by_the_model(ada, maria)) == 1


async def test_a_comment_stays_on_its_passage(company: Company, served: ServedProcess) -> None:
    ada, maria = await two(company, served)
    await ada.write("The sea 🌙 was calm. The boat was old.")
    await ada.agrees_with(maria)
    await ada.select("The sea 🌙 was calm.")
    await ada.page.get_by_role("button", name="Comment on the selection").click()
    field = ada.page.get_by_role("textbox", name="Your comment")
    await field.fill("Why calm?")
    await field.press("Enter")
    await expect(ada.page.locator(".thread-open")).to_contain_text("Why calm?")
    await maria.tab("Comments")
    thread = maria.page.locator(".thread")
    await expect(thread).to_contain_text("Why calm?")
    await maria.shows_highlighted("commented", ["The sea 🌙 was calm."])

    # The passage moves with the text, and takes in words typed inside it.
    await maria.write("Зима. ", at="Control+Home")
    await maria.page.keyboard.press("End")
    await maria.select("calm")
    await maria.page.keyboard.press("ArrowRight")
    await maria.page.keyboard.press("ArrowLeft")
    await maria.page.keyboard.type("very ")
    await ada.sees("Зима. The sea 🌙 was calvery m.")
    await expect(ada.page.locator(".thread-open")).to_contain_text("Why calm?")
    await ada.shows_highlighted("commented-open", ["The sea 🌙 was calvery m."])

    await thread.get_by_role("button", name=re.compile("The sea")).click()
    reply = thread.get_by_role("textbox", name="Reply")
    await reply.fill("It is a trap.")
    await reply.press("Enter")
    await expect(ada.page.locator(".thread")).to_contain_text("It is a trap.")
    await thread.get_by_role("button", name="Resolve").click()
    await ada.page.get_by_role("button", name="Open again").wait_for()
    await ada.page.locator(".thread-quote").click()
    await expect(ada.page.get_by_role("button", name="Resolved (1)")).to_be_visible()
    await ada.shows_highlighted("commented", [])


async def test_a_comment_outlives_its_passage(company: Company, served: ServedProcess) -> None:
    ada, maria = await two(company, served)
    await ada.write("Keep this. Lose that.")
    await ada.comment("Lose that.", "Too much")
    await maria.tab("Comments")
    await expect(maria.page.locator(".thread")).to_contain_text("Too much")
    await ada.select("Lose that.")
    await ada.page.keyboard.press("Delete")
    orphan = maria.page.locator(".thread-orphan")
    await expect(orphan).to_be_visible()
    await expect(maria.page.locator(".thread-quote")).to_have_text("Lose that.")
    await ada.page.get_by_role("button", name="Delete", exact=True).click()
    await expect(maria.page.locator(".thread")).to_have_count(0)


async def test_a_press_on_a_passage_opens_its_thread(company: Company, served: ServedProcess) -> None:
    ada, maria = await two(company, served)
    await ada.write("The boat was old.")
    await ada.comment("boat", "A ship?")
    await maria.shows_highlighted("commented", ["boat"])
    box = await maria.box_of("boat")
    await maria.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await expect(maria.page.locator(".thread-open")).to_contain_text("A ship?")


async def test_the_style_card_is_shared_and_learned(company: Company, served: ServedProcess) -> None:
    ada, maria = await two(company, served)
    for person in (ada, maria):
        await person.tab("Document")
    await ada.page.get_by_label("Tone").fill("dry, a little sad")
    await ada.page.get_by_label("Tone").press("Enter")
    await expect(maria.page.get_by_label("Tone")).to_have_value("dry, a little sad")
    # More text than a card holds, and text that is no style at all: it stays in its bounds, and is shown as words.
    absurd = '<img src=x onerror="window.hurt=1"> 🌙 ' * 200
    await maria.page.get_by_label("Avoid").fill(absurd)
    await maria.page.get_by_label("Avoid").blur()
    await expect(ada.page.get_by_label("Avoid")).to_have_value(re.compile("^<img src=x onerror"))
    kept = await ada.page.get_by_label("Avoid").input_value()
    assert absurd.startswith(kept)
    assert len(kept) < len(absurd)
    assert await ada.page.evaluate("() => window.hurt") is None
    await maria.write(
        "I walked to the shore. I saw the boat and I waited for Mira. Mira came late. I said nothing to Mira. "
        "I was cold, I was tired, and I walked home again. I slept badly."
    )
    await maria.page.keyboard.press("Control+a")
    await maria.page.get_by_role("button", name="Learn from the selection").click()
    await maria.page.get_by_role("button", name="Add to the card").click()
    await expect(ada.page.get_by_label("Person", exact=True)).to_have_value(re.compile("first"))
    await expect(ada.page.get_by_label("Tone")).to_have_value("dry, a little sad")
