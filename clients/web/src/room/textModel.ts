// Which of the text models that serve side by side a person writes with: kept by the browser, as long as it serves.

import { computed, type ReadonlySignal, signal } from "@preact/signals";
import type { ModelInfo } from "../protocol/messages";
import { loadTextModel, saveTextModel } from "./storage/browserStorage";

export class TextModel {
  private readonly wanted = signal(loadTextModel());
  /** Names, the one that answers without a choice first; empty where there is nothing to choose. */
  readonly choices: ReadonlySignal<string[]>;
  /** The name that a request gives; empty: the room's default, else the server's. */
  readonly chosen: ReadonlySignal<string>;

  /** `room`: name of the room's default; empty: the server's. */
  constructor(models: ReadonlySignal<readonly ModelInfo[]>, room: ReadonlySignal<string>) {
    this.choices = computed(() => {
      const model = models.value.find((each) => each.modality === "text");
      if (!model || model.beside.length === 0) return [];
      const names = [model.name, ...model.beside];
      const first = names.includes(room.value) ? room.value : model.name;
      return [first, ...names.filter((name) => name !== first)];
    });
    this.chosen = computed(() => {
      const [first, ...others] = this.choices.value;
      return first !== undefined && others.includes(this.wanted.value) ? this.wanted.value : "";
    });
  }

  /** Choose one of the choices; the first one of them needs no choice. */
  choose(name: string): void {
    this.wanted.value = name === this.choices.peek()[0] ? "" : name;
    saveTextModel(this.wanted.value);
  }
}
