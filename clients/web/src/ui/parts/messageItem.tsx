// One message of the chat or of a thread: who, when, what.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Room } from "../../room/room";
import { language, t } from "../../strings";
import { Avatar } from "./avatar";

export function MessageItem(props: {
  room: Room;
  author: string;
  ms: number;
  text: string;
  /** Still streaming: screen readers read it when it is complete. */
  growing?: boolean;
  /** It was searched for: it comes into view and stands out. */
  found?: boolean;
  children?: ComponentChildren;
}) {
  const { room, author, ms, text } = props;
  const root = useRef<HTMLElement>(null);
  useEffect(() => {
    if (props.found) root.current?.scrollIntoView({ block: "center" });
  }, [props.found]);
  const person = room.members.all.value.get(author);
  const mine = author === room.members.me.value?.id;
  const name = mine ? t.runs.you : (person?.name ?? t.runs.gone);
  return (
    <article
      ref={root}
      class={`said ${mine ? "said-mine" : ""} ${person?.kind === "ai" ? "said-ai" : ""} ${props.growing ? "said-growing" : ""} ${props.found ? "said-found" : ""}`}
      aria-live={props.growing ? "off" : undefined}
      aria-busy={props.growing}
      style={{ "--who": person?.color ?? "var(--ink-faint)" }}
    >
      {person && <Avatar person={person} label={person.name} />}
      <div class="said-body">
        <p class="said-by">
          <span class="said-name">{name}</span>
          {person?.kind === "agent" && <span class="hint">{t.people.agent}</span>}
          <time dateTime={new Date(ms).toISOString()}>{clockTime(ms)}</time>
        </p>
        <p class="said-text">{text}</p>
        {props.children}
      </div>
    </article>
  );
}

/** The time of day; of another day the date as well. */
export function clockTime(ms: number): string {
  const date = new Date(ms);
  const today = date.toDateString() === new Date().toDateString();
  const time = { hour: "2-digit", minute: "2-digit" } as const;
  return date.toLocaleString(language, today ? time : { ...time, day: "numeric", month: "short" });
}
