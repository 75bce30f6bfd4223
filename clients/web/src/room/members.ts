// Who is in the room, who we are in it, and what we may do.

import { signal } from "@preact/signals";
import type { MessageOf, Participant, Right, RunInfo, Welcome } from "../protocol/messages";
import { type Presence, readPresence } from "./presence";

export class Members {
  /** Ourselves; null until the server has welcomed us. */
  readonly me = signal<Participant | null>(null);
  /** Everybody by id, also who has left: what they wrote and asked for still bears their name. */
  readonly all = signal<ReadonlyMap<string, Participant>>(new Map());
  /** Cursors and hands of who is online. */
  readonly presences = signal<ReadonlyMap<string, Presence>>(new Map());
  /** What we may do, beyond what our role says. */
  readonly rights = signal<ReadonlySet<Right>>(new Set());
  /** Members whom this page removed. */
  readonly removed = signal<ReadonlySet<string>>(new Set());

  get canEdit(): boolean {
    const role = this.me.value?.role;
    return role === "owner" || role === "editor";
  }

  /** Whether a run is ours to stop and to steer; a performer's own is everybody's. */
  mayConduct(run: RunInfo): boolean {
    const me = this.me.value;
    const ours = run.participant === me?.id || (run.task === "performer" && run.participant === run.author);
    return me !== null && (me.role === "owner" || (me.role === "editor" && ours));
  }

  onWelcome(message: Welcome): void {
    this.me.value = message.participant;
    this.rights.value = new Set(message.rights);
    this.all.value = new Map(message.participants.map((each) => [each.id, each]));
    this.presences.value = new Map();
  }

  onJoined(participant: Participant): void {
    this.all.value = new Map(this.all.value).set(participant.id, participant);
    if (participant.id === this.me.value?.id) this.me.value = participant;
  }

  onLeft(id: string): void {
    this.forgetPresence(id);
    const person = this.all.value.get(id);
    if (person) this.all.value = new Map(this.all.value).set(id, { ...person, online: false });
  }

  onPresence(message: MessageOf<"presence">): void {
    const presence = readPresence(message.state);
    if (presence) this.presences.value = new Map(this.presences.value).set(message.participant, presence);
    else this.forgetPresence(message.participant);
  }

  markRemoved(id: string): void {
    this.removed.value = new Set(this.removed.value).add(id);
  }

  private forgetPresence(id: string): void {
    const next = new Map(this.presences.value);
    if (next.delete(id)) this.presences.value = next;
  }
}
