// The room's shared settings (the document's root `meta`): the form of the text and its word goal.

import { signal } from "@preact/signals";
import type { Doc } from "yjs";
import { metaOf } from "./document";

export type Form = "prose" | "screenplay";
export const MAX_GOAL = 1_000_000;

export class Settings {
  /** Prose, or a script in Fountain's form. */
  readonly form = signal<Form>("prose");
  /** Word goal; 0: none. */
  readonly goal = signal(0);
  /** Name of the text model that answers in this room where several serve; empty: the server's choice. */
  readonly textModel = signal("");
  private doc: Doc | null = null;
  private unfollow = () => {};

  setForm(form: Form): void {
    if (this.doc) metaOf(this.doc).set("form", form);
  }

  /** An empty name leaves it to the server. */
  setTextModel(name: string): void {
    if (!this.doc) return;
    if (name) metaOf(this.doc).set("text_model", name);
    else metaOf(this.doc).delete("text_model");
  }

  /** 0 removes the goal. */
  setGoal(words: number): void {
    const goal = Math.min(MAX_GOAL, Math.max(0, Math.floor(words)));
    if (!this.doc) return;
    if (goal > 0) metaOf(this.doc).set("goal", goal);
    else metaOf(this.doc).delete("goal");
  }

  follow(doc: Doc): void {
    this.unfollow();
    this.doc = doc;
    const meta = metaOf(doc);
    const read = () => {
      const goal = meta.get("goal");
      this.form.value = meta.get("form") === "screenplay" ? "screenplay" : "prose";
      const model = meta.get("text_model");
      this.textModel.value = typeof model === "string" ? model : "";
      this.goal.value = typeof goal === "number" && goal > 0 && goal <= MAX_GOAL ? Math.floor(goal) : 0;
    };
    meta.observe(read);
    this.unfollow = () => meta.unobserve(read);
    read();
  }

  close(): void {
    this.unfollow();
  }
}
