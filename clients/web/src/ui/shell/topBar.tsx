import type { Signal } from "@preact/signals";
import type { StoryEditor } from "../../editor/storyEditor";
import type { Participant } from "../../protocol/messages";
import type { Room } from "../../room/room";
import { isActive, isLasting } from "../../room/runs";
import { t } from "../../strings";
import { Avatar } from "../parts/avatar";
import { Brand, IconButton } from "../parts/controls";
import { Icon } from "../parts/icons";
import type { View } from "../parts/view";
import { FileMenu } from "../story/fileMenu";
import { Status } from "./status";

const MAX_FACES = 5;

export function TopBar(props: {
  room: Room;
  editor: StoryEditor | null;
  onShare: () => void;
  onFind: () => void;
  onSearch: () => void;
  onHelp: () => void;
  panel: Signal<boolean>;
  view: View;
  onView: (view: View) => void;
  jam: boolean;
  onJam: () => void;
}) {
  const { room, panel, view, onView } = props;
  const writing = [...room.runs.all.value.values()].filter((run) => isActive(run) && !isLasting(run)).length;
  return (
    <header class="topbar">
      <Brand />
      <Status room={room} />
      <fieldset class="segments views">
        <legend class="offscreen">{t.views.label}</legend>
        {(["text", "both", "canvas", "film"] as const).map((each) => (
          <label key={each}>
            <input type="radio" name="view" checked={view === each} onChange={() => onView(each)} />
            <span>{t.views[each]}</span>
          </label>
        ))}
      </fieldset>
      <button
        type="button"
        class="button small jam-open"
        aria-pressed={props.jam}
        title={props.jam ? t.jam.hide : t.jam.show}
        onClick={props.onJam}
      >
        <Icon name="note" />
        {t.jam.title}
      </button>
      <span class="topbar-spacer" />
      <People room={room} />
      <button type="button" class="button share-open" onClick={props.onShare}>
        <Icon name="share" />
        {t.share.button}
      </button>
      <FileMenu
        room={room}
        editor={props.editor}
        onFind={props.onFind}
        onSearch={props.onSearch}
        onHelp={props.onHelp}
      />
      <span class={writing > 0 || (!panel.value && room.chat.unread.value > 0) ? "badge-live" : ""}>
        <IconButton
          icon="panel"
          label={panel.value ? t.runs.hide : t.runs.show}
          expanded={panel.value}
          class="panel-toggle"
          onClick={() => {
            panel.value = !panel.value;
          }}
        />
      </span>
    </header>
  );
}

/** Everybody who is here, the model among them. */
function People({ room }: { room: Room }) {
  const me = room.members.me.value?.id;
  const online = [...room.members.all.value.values()].filter((person) => person.online);
  online.sort((a, b) => rank(a, me) - rank(b, me) || a.name.localeCompare(b.name));
  const rest = online.length - MAX_FACES;
  return (
    <ul class="faces" aria-label={t.people.label}>
      {online.slice(0, MAX_FACES).map((person) => (
        <li key={person.id}>
          <Avatar person={person} label={person.id === me ? t.people.you(person.name) : person.name} />
        </li>
      ))}
      {rest > 0 && (
        <li class="face face-rest" title={t.people.more(rest)}>
          +{rest}
        </li>
      )}
    </ul>
  );
}

const rank = (person: Participant, me: string | undefined) =>
  person.id === me ? 0 : person.kind === "ai" ? 2 : 1;
