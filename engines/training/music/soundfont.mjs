// Cut a General MIDI SoundFont to the presets and kits of the jam, and write it so that every player reads it.
//
//   node soundfont.mjs FluidR3Mono_GM.sf3 band.sf3
//
// spessasynth_core drops unused samples and keeps the others as they are compressed (Vorbis). One repair follows: a
// chunk of odd length is made even, because TinySoundFont knows no padding between chunks and refuses the file.
import { readFileSync, writeFileSync } from "node:fs";
import { SoundBankLoader } from "spessasynth_core";

// Programs: pianos, organs, accordion, harmonica, guitars, basses, strings, choir, brass, reeds, flute, leads, pads.
const PROGRAMS = new Set([
  0, 4, 6, 11, 16, 19, 21, 22, 24, 25, 26, 27, 28, 29, 30, 32, 33, 34, 36, 38, 39, 40, 42, 46, 48, 52, 56, 57, 58, 60,
  61, 62, 66, 71, 73, 80, 81, 88, 89, 90, 91,
]);
const KITS = new Set([0, 8, 25]); // standard, room, TR-808
const KEYS = { melodic: [24, 100], drums: [35, 81] };

const [source, target] = process.argv.slice(2);
if (!source || !target) throw new Error("usage: node soundfont.mjs SOURCE TARGET");
const file = readFileSync(source);
const bank = SoundBankLoader.fromArrayBuffer(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength));

const velocities = new Set(Array.from({ length: 127 }, (_, index) => index + 1));
const kept = new Map();
for (const preset of bank.presets) {
  const drums = preset.isGMGSDrum || preset.bankMSB === 128 || preset.isDrum === true;
  const wanted = drums ? KITS.has(preset.program) : preset.bankMSB === 0 && PROGRAMS.has(preset.program);
  if (!wanted) continue;
  const [low, high] = drums ? KEYS.drums : KEYS.melodic;
  kept.set(preset, new Map(Array.from({ length: high - low + 1 }, (_, index) => [low + index, velocities])));
}
bank.trim(kept);
const written = Buffer.from(await bank.writeSF2({ writeDefaultModulators: false, writeExtendedLimits: false }));
const even = evenChunks(written);
writeFileSync(target, even);
console.log(`${bank.presets.length} presets kept of ${file.length} bytes: ${even.length} bytes in ${target}`);

/**
 * The RIFF file with chunks of even length only: an odd one (the compressed samples) gets a zero more and counts it.
 * `riff` may or may not have padding bytes of its own, which RIFF does not count.
 */
function evenChunks(riff) {
  const lists = [];
  for (let at = 12; at + 8 <= riff.length; ) {
    const end = at + 8 + riff.readUInt32LE(at + 4);
    const parts = [];
    for (let inner = at + 12; inner + 8 <= end; ) {
      const length = riff.readUInt32LE(inner + 4);
      parts.push(chunk(riff.toString("latin1", inner, inner + 4), [riff.subarray(inner + 8, inner + 8 + length)]));
      inner += 8 + length;
      if (length % 2 && riff[inner] === 0) inner += 1;
    }
    lists.push(chunk(riff.toString("latin1", at, at + 4), [riff.subarray(at + 8, at + 12), ...parts]));
    at = end + (end % 2 && riff[end] === 0 ? 1 : 0);
  }
  return chunk("RIFF", [riff.subarray(8, 12), ...lists]);
}

function chunk(name, parts) {
  const body = Buffer.concat(parts);
  const padding = Buffer.alloc(body.length % 2);
  const head = Buffer.alloc(8);
  head.write(name, 0, "latin1");
  head.writeUInt32LE(body.length + padding.length, 4);
  return Buffer.concat([head, body, padding]);
}
