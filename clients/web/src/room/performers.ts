// The performers of a room: AI participants with a role, kept by the server.

import { signal } from "@preact/signals";
import type { MessageOf, Performer, PerformerRight, PerformerRole } from "../protocol/messages";
import type { RoomPort } from "./roomPort";

export const BUILT_IN_ROLES = ["cowriter", "editor", "critic", "dramaturg"] as const;
export const RIGHTS: readonly PerformerRight[] = ["comment", "suggest", "edit"];
export const MAX_NAME = 32;
export const MAX_BRIEF = 2000;
export const MAX_HOURLY = 60;
const MAX_PERFORMERS = 8;
const HOURLY = 20;

export type PerformerWish = Omit<MessageOf<"put_performer">, "tag">;

/** The participant that a performer is. */
export const participantOf = (performer: string): string => `ai:${performer}`;

export class Performers {
  readonly all = signal<readonly Performer[]>([]);
  readonly max = MAX_PERFORMERS;

  constructor(
    private readonly port: Pick<RoomPort, "send" | "request">,
    private readonly newId: () => string,
  ) {}

  /** A performer of a built-in role, with the name and the brief that it has in this language. */
  add(role: PerformerRole, language: string): Promise<boolean> {
    return this.put({ ...this.wish(null), role, rights: null, language: language === "ru" ? "ru" : "en" });
  }

  /** What changes a known performer, or makes one of the person's own. */
  wish(known: Performer | null): PerformerWish {
    const { spent: _, ...fields } = known ?? {
      id: this.newId(),
      name: "",
      role: "own" as const,
      brief: "",
      color: "",
      model: "",
      rights: ["comment"] as PerformerRight[],
      hourly: HOURLY,
      unasked: 0,
      spent: 0,
    };
    return { ...fields, language: "en" };
  }

  /** Resolves false when it was refused, with a notice, or lost. */
  put(wish: PerformerWish): Promise<boolean> {
    const before = this.all.peek();
    const arrived = () => this.all.peek() !== before && this.all.peek().some((each) => each.id === wish.id);
    return this.port.request({ tag: "put_performer", ...wish }, wish.id, arrived);
  }

  remove(id: string): void {
    this.port.send({ tag: "drop_performer", id });
  }

  onPerformers(message: MessageOf<"performers">): void {
    this.all.value = message.performers;
  }

  /** A new connection: the server says anew who plays here, where anybody does. */
  onWelcome(): void {
    this.all.value = [];
  }
}
