// The mixer: volume, place, mute and solo of every person, loop and role of the band, for everybody and for the files.

import { ROLES } from "../../jam/band/controls";
import type { Jam } from "../../jam/jam";
import { CENTRE, type Strip } from "../../jam/mixer";
import { t } from "../../strings";
import { Popover, programName, Slider } from "./parts";
import { BUSES } from "./sound";

export function JamMixer({ jam }: { jam: Jam }) {
  const { room } = jam;
  const score = jam.score.value;
  const controls = score.controls.value;
  const players = score.players.value;
  const mine = room.members.me.value?.id;
  const reading = !room.members.canEdit;
  const people = [...room.members.all.value.values()].filter(
    (person) => person.kind !== "ai" && (person.id === mine || players.has(person.id)),
  );
  return (
    <Popover icon="mixer" label={t.jam.mixer} class="jam-pop-right">
      <div class="jam-mixer">
        <h3>{t.jam.mixerPeople}</h3>
        {people.map((person) => (
          <StripRow
            key={person.id}
            name={person.id === mine ? t.people.you(person.name) : person.name}
            color={person.color}
            strip={score.player(person.id)}
            disabled={reading}
            onChange={(change) => score.setPlayer(person.id, change)}
          />
        ))}
        {score.loops.value.length > 0 && <h3>{t.jam.loops}</h3>}
        {score.loops.value.map((loop) => (
          <StripRow
            key={loop.id}
            name={loop.name || programName(loop.program)}
            color={room.members.all.value.get(loop.by)?.color}
            strip={loop}
            disabled={reading}
            onChange={(change) => score.setLoop(loop.id, change)}
          />
        ))}
        <h3>{t.jam.band}</h3>
        {ROLES.filter((role) => controls.roles[role] || score.role(role).solo).map((role) => (
          <StripRow
            key={role}
            name={t.jam.roles[role]}
            color={`var(--role-${role})`}
            strip={score.role(role)}
            disabled={reading}
            onChange={(change) => score.setRoleStrip(role, change)}
          />
        ))}
        <p class="hint">{t.jam.mixerHint}</p>
        <h3>{t.jam.mixerHere}</h3>
        {BUSES.map((bus) => (
          <Slider
            key={bus}
            label={t.jam.buses[bus]}
            text={t.jam.buses[bus]}
            value={jam.sound.busVolumes.value[bus]}
            onInput={(volume) => jam.sound.setBus(bus, volume)}
          />
        ))}
      </div>
    </Popover>
  );
}

function StripRow(props: {
  name: string;
  color: string | undefined;
  strip: Strip;
  disabled: boolean;
  onChange: (change: Partial<Strip>) => void;
}) {
  const { name, strip, disabled, onChange } = props;
  return (
    <fieldset class="jam-strip" style={{ "--who": props.color }} aria-label={name}>
      <span class="jam-strip-name">{name}</span>
      <Slider
        label={t.jam.stripVolume(name)}
        value={strip.volume}
        disabled={disabled}
        onInput={(volume) => onChange({ volume })}
      />
      <Slider
        label={t.jam.stripPan(name)}
        value={strip.pan}
        words={placeOf(strip.pan)}
        disabled={disabled}
        onInput={(pan) => onChange({ pan: Math.abs(pan - CENTRE) < 0.03 ? CENTRE : pan })}
      />
      {(["muted", "solo"] as const).map((what) => (
        <button
          key={what}
          type="button"
          class="jam-toggle"
          aria-pressed={strip[what]}
          aria-label={what === "muted" ? t.jam.loopMute(name) : t.jam.loopSolo(name)}
          title={what === "muted" ? t.jam.loopMute(name) : t.jam.loopSolo(name)}
          disabled={disabled}
          onClick={() => onChange({ [what]: !strip[what] })}
        >
          {what === "muted" ? "M" : "S"}
        </button>
      ))}
    </fieldset>
  );
}

function placeOf(pan: number): string {
  const percent = Math.round(Math.abs(pan - CENTRE) * 200);
  return percent === 0 ? t.jam.centre : pan < CENTRE ? t.jam.left(percent) : t.jam.right(percent);
}
