// Colours the text by author, from the server's records, which no attribute in the text can forge.

import { effect, signal } from "@preact/signals";
import type { StoryEditor } from "../../editor/storyEditor";
import { spansByAuthor } from "../../editor/text/authors";
import { ApiError } from "../../room/http/httpApi";
import type { Room } from "../../room/room";

/** Highlight names in the style sheet; authors beyond them have no colour. */
const MAX_AUTHORS = 12;
const REST_MS = 500;

export class AuthorColours {
  readonly shown = signal(false);
  private readonly stop: () => void;
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** Numbers the requests: only the answer to the newest one counts. */
  private asked = 0;

  constructor(
    private readonly room: Room,
    private readonly editor: StoryEditor,
  ) {
    this.stop = effect(() => {
      editor.rested.value;
      clearTimeout(this.timer);
      if (this.shown.value) this.timer = setTimeout(() => void this.draw(), REST_MS);
      else this.clear();
    });
  }

  close(): void {
    clearTimeout(this.timer);
    this.stop();
    this.clear();
  }

  private async draw(): Promise<void> {
    this.asked += 1;
    const asked = this.asked;
    try {
      const { spans } = await this.room.history.authorship();
      if (asked !== this.asked || !this.shown.peek()) return;
      const found = spansByAuthor(this.editor.plainText.peek(), spans);
      const people = this.room.members.all.peek();
      const authors = [...found].filter(([author]) => people.has(author)).slice(0, MAX_AUTHORS);
      this.clear();
      for (const [number, [author, stretches]] of authors.entries()) {
        document.documentElement.style.setProperty(`--author-${number}`, people.get(author)?.color ?? "");
        this.editor.highlights.show(`author-${number}`, stretches);
      }
    } catch (error) {
      // The next change sends another request.
      if (!(error instanceof ApiError)) throw error;
    }
  }

  private clear(): void {
    for (let number = 0; number < MAX_AUTHORS; number += 1)
      this.editor.highlights.show(`author-${number}`, []);
  }
}
