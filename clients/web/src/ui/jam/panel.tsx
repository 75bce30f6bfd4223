// The jam's panel: at the foot of the room, or over the whole window.

import type { Signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Jam } from "../../jam/jam";
import type { JamView } from "../../room/storage/browserStorage";
import { t } from "../../strings";
import { JamBand } from "./band";
import { JamKeyboard } from "./keyboard";
import { JamLoops } from "./loops";
import { programName } from "./parts";
import { JamPianoRoll } from "./pianoRoll";
import { JamTransport } from "./transport";

export { Jam };

export function JamPanel({ jam, view }: { jam: Jam; view: Signal<JamView> }) {
  const section = useRef<HTMLElement>(null);
  useEffect(() => {
    jam.onEmptyTake = () => jam.room.notices.add("empty_take");
    jam.nameLoop = (program) => {
      const count = jam.score.peek().loops.peek().length + 1;
      return `${programName(program)} ${count}`;
    };
  }, [jam]);
  // Beat lights and position are updated once per animation frame.
  useEffect(() => {
    let frame = 0;
    const next = () => {
      jam.updatePlace();
      frame = requestAnimationFrame(next);
    };
    frame = requestAnimationFrame(next);
    return () => cancelAnimationFrame(frame);
  }, [jam]);
  return (
    <section
      class={`jam ${view.value === "whole" ? "jam-whole" : "jam-beside"}`}
      aria-label={t.jam.label}
      ref={section}
    >
      <JamTransport jam={jam} view={view} />
      <div class="jam-body">
        <JamPianoRoll jam={jam} />
        <JamLoops jam={jam} />
        <JamBand jam={jam} />
      </div>
      <JamKeyboard jam={jam} />
    </section>
  );
}
