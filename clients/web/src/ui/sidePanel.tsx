// The panel beside the page: one tab at a time. A new tab is an entry of TABS and its words.

import type { Signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useRef } from "preact/hooks";
import type { StoryEditor } from "../editor/storyEditor";
import type { Room } from "../room/room";
import { t } from "../strings";
import type { Asking } from "./asking";
import { DeskTab } from "./deskTab";
import { Icon, type IconName } from "./icons";
import { IconButton } from "./parts";
import { RunsPanel } from "./runsPanel";

export interface TabProps {
  room: Room;
  asking: Asking;
  editor: StoryEditor | null;
}

const TABS = {
  runs: { icon: "continue", Content: RunsPanel },
  desk: { icon: "bullets", Content: DeskTab },
} as const satisfies Record<string, { icon: IconName; Content: ComponentType<TabProps> }>;

export type Tab = keyof typeof TABS;
const NAMES = Object.keys(TABS) as Tab[];

export function SidePanel(props: TabProps & { tab: Signal<Tab>; onClose: () => void }) {
  const { tab, onClose, ...content } = props;
  const list = useRef<HTMLDivElement>(null);
  const { Content } = TABS[tab.value];
  const step = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const next = NAMES[(NAMES.indexOf(tab.value) + by + NAMES.length) % NAMES.length] as Tab;
    tab.value = next;
    list.current?.querySelector<HTMLElement>(`#tab-${next}`)?.focus();
  };
  return (
    <aside class="panel" aria-label={t.side.label}>
      <header class="panel-head">
        <div class="tabs" role="tablist" aria-label={t.side.label} ref={list} onKeyDown={step}>
          {NAMES.map((name) => (
            <button
              key={name}
              id={`tab-${name}`}
              type="button"
              role="tab"
              class="tab"
              aria-selected={tab.value === name}
              aria-controls="panel-body"
              tabIndex={tab.value === name ? 0 : -1}
              onClick={() => {
                tab.value = name;
              }}
            >
              <Icon name={TABS[name].icon} />
              {t.side[name]}
            </button>
          ))}
        </div>
        <IconButton icon="cross" label={t.runs.hide} onClick={onClose} class="panel-close" />
      </header>
      <div id="panel-body" role="tabpanel" aria-labelledby={`tab-${tab.value}`}>
        <Content {...content} />
      </div>
    </aside>
  );
}
