// A participant as a small disc in their colour: initials, square for an agent; or the mark of a model.

import type { Participant } from "../../protocol/messages";
import { t } from "../../strings";
import { Mark } from "./icons";

export function Avatar({ person, label }: { person: Participant; label: string }) {
  const said = person.kind === "agent" ? `${label} · ${t.people.agent}` : label;
  return (
    <span
      class={`face ${person.kind === "human" ? "" : `face-${person.kind}`} ${person.online ? "" : "face-away"}`}
      style={{ "--who": person.color }}
      title={said}
      role="img"
      aria-label={said}
    >
      {person.kind === "ai" ? <Mark /> : initials(person.name)}
    </span>
  );
}

function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return letters.map((word) => [...(word ?? "")][0]?.toLocaleUpperCase() ?? "").join("");
}
