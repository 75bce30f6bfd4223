// Figures of clocks and buffers. They are in data attributes as well.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Jam } from "../../jam/jam";
import { t } from "../../strings";

const REFRESH_MS = 500;
const short = (value: number) => (Math.abs(value) < 10 ? value.toFixed(1) : value.toFixed(0));

export function JamStats({ jam }: { jam: Jam }) {
  const turn = useSignal(0);
  useEffect(() => {
    const timer = setInterval(() => {
      turn.value += 1;
    }, REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  turn.value;
  const words = t.jam.stats;
  const clocks = jam.clocks();
  const feed = jam.feed.stats.value;
  const synth = jam.sound.synth.stats;
  const rows: [string, string][] = [
    [words.clock, words.clockValue(short(clocks.offsetMs), short(clocks.tripMs))],
    [words.samples, String(clocks.samples)],
    [words.latency, words.ms(short(clocks.latencyMs))],
    [words.buffer, words.ms(short(feed.aheadMs))],
    [words.delay, words.ms(short(feed.delayMs))],
    [words.packets, String(feed.packets)],
    [words.gaps, words.gapsValue(feed.late, feed.holes)],
    [words.underruns, String(feed.underruns)],
    [words.decoder, feed.decoder || t.jam.none],
    [words.voices, String(synth.voices)],
    [words.notes, String(synth.begun)],
  ];
  return (
    <dl
      class="jam-stats"
      data-offset={clocks.offsetMs}
      data-samples={clocks.samples}
      data-packets={feed.packets}
      data-holes={feed.holes}
      data-late={feed.late}
      data-underruns={feed.underruns}
      data-played={feed.played}
      data-missing={feed.missing}
      data-at={feed.atMs}
      data-delay={feed.delayMs}
      data-loudest={feed.loudest}
      data-begun={synth.begun}
      data-decoder={feed.decoder}
    >
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
