// The form for extending a picture: which sides, and how far.

import { useSignal } from "@preact/signals";
import type { Sides } from "../../canvas/pictures/extend";
import { t } from "../../strings";

const SIDES = ["left", "top", "right", "bottom"] as const;
const PARTS = [0.25, 0.5, 1];

export function ExtendForm({ onExtend }: { onExtend: (sides: Sides) => void }) {
  const chosen = useSignal<ReadonlySet<string>>(new Set(["left", "right"]));
  const part = useSignal(0.5);
  const add = (side: string) => (chosen.value.has(side) ? part.value : 0);
  return (
    <form
      class="extend-form"
      aria-label={t.picture.extend}
      onSubmit={(event) => {
        event.preventDefault();
        onExtend({ left: add("left"), top: add("top"), right: add("right"), bottom: add("bottom") });
      }}
    >
      <fieldset class="segments">
        <legend class="offscreen">{t.picture.sides}</legend>
        {SIDES.map((side) => (
          <label key={side}>
            <input
              type="checkbox"
              checked={chosen.value.has(side)}
              onChange={() => {
                const next = new Set(chosen.value);
                if (!next.delete(side)) next.add(side);
                chosen.value = next;
              }}
            />
            <span>{t.picture.side[side]}</span>
          </label>
        ))}
      </fieldset>
      <label>
        <span class="offscreen">{t.picture.howFar}</span>
        <select
          class="field small"
          value={part.value}
          onChange={(event) => {
            part.value = Number(event.currentTarget.value);
          }}
        >
          {PARTS.map((each) => (
            <option key={each} value={each}>
              + {each * 100} %
            </option>
          ))}
        </select>
      </label>
      <button type="submit" class="button small primary" disabled={chosen.value.size === 0}>
        {t.picture.makeRoom}
      </button>
    </form>
  );
}
