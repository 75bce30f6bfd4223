// The jam's place in the room. Its code loads when it is first opened; it keeps playing while it is closed.

import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Jam } from "../../jam/jam";
import type { Room } from "../../room/room";
import type { JamView } from "../../room/storage/browserStorage";
import { t } from "../../strings";

interface Loaded {
  jam: Jam;
  Panel: typeof import("./panel").JamPanel;
}

export function JamDock({ room, view }: { room: Room; view: Signal<JamView> }) {
  const loaded = useSignal<Loaded | null>(null);
  const failed = useSignal(false);
  const open = view.value !== "closed";
  useEffect(() => {
    if (!open || loaded.peek()) return;
    let gone = false;
    import("./panel").then(
      ({ Jam: Made, JamPanel }) => {
        if (gone) return;
        const jam = new Made(room);
        jam.open();
        loaded.value = { jam, Panel: JamPanel };
      },
      (error: unknown) => {
        console.warn("the jam could not be loaded", error);
        failed.value = true;
      },
    );
    return () => {
      gone = true;
    };
  }, [open, room]);
  useEffect(() => () => loaded.peek()?.jam.close(), [room]);

  if (!open) return null;
  if (loaded.value) {
    const { jam, Panel } = loaded.value;
    return <Panel jam={jam} view={view} />;
  }
  return (
    <section class="jam jam-waiting" aria-label={t.jam.label} aria-busy={!failed.value}>
      <p>{failed.value ? t.jam.loadFailed : t.jam.loading}</p>
    </section>
  );
}
