// The room's style card: shared, edited live, and learned from a passage.

import { signal } from "@preact/signals";
import type { Doc, Map as YMap } from "yjs";
import type { MessageOf, StyleCard } from "../../protocol/messages";
import type { Range, RoomPort } from "../roomPort";

/** Characters of each field, at most; in the order in which they are shown. */
export const STYLE_BOUNDS = {
  tone: 200,
  person: 100,
  tense: 100,
  keep: 1000,
  avoid: 1000,
  facts: 2000,
} as const satisfies Record<keyof StyleCard, number>;
export type StyleField = keyof typeof STYLE_BOUNDS;
export const STYLE_FIELDS = Object.keys(STYLE_BOUNDS) as StyleField[];

export class Style {
  readonly card = signal<StyleCard>({});
  /** A card learned from a passage, until the person adds or discards it. */
  readonly learned = signal<MessageOf<"learned"> | null>(null);
  readonly learning = signal(false);
  private latest = 0;
  private unfollow = () => {};

  constructor(private readonly port: RoomPort) {}

  set(field: StyleField, value: string): void {
    const root = this.root();
    const text = value.slice(0, STYLE_BOUNDS[field]);
    if (text === "") root.delete(field);
    else if (root.get(field) !== text) root.set(field, text);
  }

  async learn(range: () => Range | null): Promise<void> {
    this.learning.value = true;
    const place = await this.port.locate(range);
    this.latest += 1;
    const sent = place !== null && this.port.send({ tag: "learn_style", learn: this.latest, ...place });
    if (!sent) this.learning.value = false;
  }

  onLearned(message: MessageOf<"learned">): void {
    if (message.learn !== this.latest) return;
    this.learning.value = false;
    this.learned.value = message;
  }

  /** The request was refused, or the connection was lost. */
  abandon(): void {
    this.learning.value = false;
  }

  /** Adds what was learned to the room's card. */
  accept(): void {
    const { learned } = this;
    if (!learned.value) return;
    const { card } = learned.value;
    this.port.doc.value.transact(() => {
      for (const field of STYLE_FIELDS) if (card[field]) this.set(field, card[field]);
    });
    learned.value = null;
  }

  dismiss(): void {
    this.learned.value = null;
  }

  follow(doc: Doc): void {
    this.unfollow();
    const root = doc.getMap("style") as YMap<unknown>;
    const read = () => {
      const entries = STYLE_FIELDS.map((field) => [field, root.get(field)]).filter(
        ([, value]) => typeof value === "string",
      );
      this.card.value = Object.fromEntries(entries) as StyleCard;
    };
    root.observe(read);
    this.unfollow = () => root.unobserve(read);
    read();
  }

  close(): void {
    this.unfollow();
  }

  private root(): YMap<unknown> {
    return this.port.doc.value.getMap("style");
  }
}
