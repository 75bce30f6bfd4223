// A participant as a small disc in their colour: initials, or the mark of a model.

import type { Participant } from "../../protocol/messages";
import { Mark } from "./icons";

export function Face({ person, label }: { person: Participant; label: string }) {
  return (
    <span
      class={`face ${person.kind === "ai" ? "face-ai" : ""} ${person.online ? "" : "face-away"}`}
      style={{ "--who": person.color }}
      title={label}
      role="img"
      aria-label={label}
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
