// Editing a text of the board: everybody sees it grow, and others may edit it at the same time.

import type { Board } from "./board";
import { BoundField, type Field } from "./boardText";
import type { Point } from "./geometry";
import type { Fields, Label } from "./objects";

export interface TextEditingOptions {
  board: Board;
  /** The object that is written in; null: a new one, which is placed with its first letter. */
  id: string | null;
  at: Point;
  /** Colour, font and size of a new text. */
  look: Fields;
  measure(text: string): { w: number; h: number };
}

export class TextEditing {
  /** Id of the object that holds the text; null while there is none. */
  id: string | null;
  readonly at: Point;
  private bound: BoundField | null = null;
  private field: Field | null = null;
  private typed = false;

  constructor(private readonly options: TextEditingOptions) {
    this.id = options.id;
    this.at = options.at;
  }

  get label(): Label | null {
    const found = this.id === null ? undefined : this.options.board.get(this.id);
    return found?.type === "text" ? found : null;
  }

  /** Binds the field to the text. */
  open(field: Field): void {
    this.field = field;
    this.bind();
  }

  /** Whether `id` is the text edited here and holds words of ours: if somebody deletes it, it is restored. */
  keeps(id: string): boolean {
    return this.id === id && this.typed;
  }

  input(): void {
    this.typed = true;
    if (this.gone()) this.place();
    else this.bound?.typed();
  }

  compose(goesOn: boolean): void {
    this.bound?.compose(goesOn);
    if (!goesOn) this.input();
  }

  /** Ends the editing; returns the id of the text's object, or null when there is none. An empty text is removed. */
  close(): string | null {
    const { board, measure } = this.options;
    if (this.typed && this.gone()) this.place();
    this.bound?.close();
    const label = this.label;
    if (!label) return null;
    if (label.text.trim() === "") {
      board.remove([label.id]);
      return null;
    }
    const { w, h } = measure(label.text);
    if (this.typed) board.change(new Map([[label.id, { w, h }]]), "same");
    return label.id;
  }

  private gone(): boolean {
    return this.label === null;
  }

  private place(): void {
    const text = this.field?.value ?? "";
    if (text.trim() === "") return;
    const { board, look, measure } = this.options;
    this.bound?.close();
    const fields = { type: "text", text, x: this.at.x, y: this.at.y, ...measure(text), ...look };
    this.id = board.place(fields);
    this.bind();
  }

  private bind(): void {
    const text = this.id === null ? null : this.options.board.textOf(this.id);
    this.bound = text && this.field ? new BoundField(this.field, text) : null;
  }
}
