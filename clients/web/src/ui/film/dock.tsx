// The film's place in the room. Its code loads when it is first shown.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Room } from "../../room/room";
import { t } from "../../strings";

export function FilmDock({ room }: { room: Room }) {
  const loaded = useSignal<typeof import("./panel").FilmPanel | null>(null);
  const failed = useSignal(false);
  useEffect(() => {
    let gone = false;
    import("./panel").then(
      ({ FilmPanel }) => {
        if (!gone) loaded.value = FilmPanel;
      },
      (error: unknown) => {
        console.warn("the film could not be loaded", error);
        failed.value = true;
      },
    );
    return () => {
      gone = true;
    };
  }, []);
  const Panel = loaded.value;
  if (Panel) return <Panel room={room} />;
  return (
    <section class="film film-waiting" aria-label={t.film.label} aria-busy={!failed.value}>
      <p>{failed.value ? t.film.loadFailed : t.film.loading}</p>
    </section>
  );
}
