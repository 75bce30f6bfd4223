// Which of the text models that serve side by side a person writes with: kept by the browser, as long as it serves.

import { computed, type ReadonlySignal, signal } from "@preact/signals";
import type { ModelInfo } from "../protocol/messages";
import { loadTextModel, saveTextModel } from "./storage/browserStorage";

export class TextModel {
  private readonly wanted = signal(loadTextModel());
  /** Names, the one that answers without a choice first; empty where there is nothing to choose. */
  readonly choices: ReadonlySignal<string[]>;
  /** The name that a request gives; empty: the server chooses. */
  readonly chosen: ReadonlySignal<string>;

  constructor(models: ReadonlySignal<readonly ModelInfo[]>) {
    this.choices = computed(() => {
      const model = models.value.find((each) => each.modality === "text");
      return model && model.beside.length > 0 ? [model.name, ...model.beside] : [];
    });
    this.chosen = computed(() => (this.choices.value.includes(this.wanted.value) ? this.wanted.value : ""));
  }

  /** Choose one of the choices; the first one of them is what the server chooses. */
  choose(name: string): void {
    this.wanted.value = name === this.choices.peek()[0] ? "" : name;
    saveTextModel(this.wanted.value);
  }
}
