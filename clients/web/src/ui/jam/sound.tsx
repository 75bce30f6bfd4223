// Sound on and off, volumes, and meters.

import { useEffect, useRef } from "preact/hooks";
import type { Bus } from "../../jam/audioOutput";
import type { Jam } from "../../jam/jam";
import { t } from "../../strings";
import { IconButton } from "../parts/controls";
import { Icon } from "../parts/icons";
import { Slider } from "./parts";

const METER_MS = 50;
export const BUSES: readonly Bus[] = ["people", "band"];

export function JamSound({ jam }: { jam: Jam }) {
  const { sound } = jam;
  switch (sound.state.value) {
    case "loading": {
      const percent = Math.round(sound.progress.value * 100);
      return (
        <div class="jam-joining" role="status">
          <progress class="run-progress" max={100} value={percent} aria-label={t.jam.sound} />
          <span>{percent < 100 ? t.jam.joining(percent) : t.jam.tuning}</span>
        </div>
      );
    }
    case "on":
      return (
        <div class="jam-sound">
          <IconButton
            icon={sound.muted.value ? "silent" : "sound"}
            label={sound.muted.value ? t.jam.unmute : t.jam.mute}
            pressed={sound.muted.value}
            onClick={() => sound.setMuted(!sound.muted.value)}
          />
          <Slider
            label={t.jam.volume}
            value={sound.volume.value}
            onInput={(volume) => sound.setVolume(volume)}
          />
          <Meters jam={jam} />
        </div>
      );
    default: {
      const failed = sound.state.value === "failed";
      const label = failed ? t.jam.tryAgain : sound.state.value === "asleep" ? t.jam.asleep : t.jam.join;
      return (
        <div class="jam-sound">
          {failed && <span class="field-error jam-sound-error">{t.jam.soundFailed}</span>}
          <button
            type="button"
            class="button primary jam-join"
            title={t.jam.joinHint}
            onClick={() => sound.join()}
          >
            <Icon name="sound" />
            {label}
          </button>
        </div>
      );
    }
  }
}

/** Meters of people and band. */
function Meters({ jam }: { jam: Jam }) {
  const host = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const levels: Record<Bus, number> = { people: 0, band: 0 };
    const show = () => {
      const bars = host.current?.children ?? [];
      BUSES.forEach((bus, index) => {
        levels[bus] = Math.max(jam.sound.level(bus), levels[bus] * 0.75);
        const bar = bars[index];
        if (bar instanceof HTMLElement) bar.style.setProperty("--level", Math.min(1, levels[bus]).toFixed(3));
      });
    };
    const timer = setInterval(show, METER_MS);
    return () => clearInterval(timer);
  }, [jam]);
  return (
    <span class="jam-meters" ref={host} aria-hidden="true">
      {BUSES.map((bus) => (
        <span key={bus} class={`jam-meter jam-meter-${bus}`} />
      ))}
    </span>
  );
}
