// The side panel: one tab at a time. To add a tab, add an entry to TABS and its strings.

import type { Signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useRef } from "preact/hooks";
import type { Right } from "../../protocol/messages";
import type { Room } from "../../room/room";
import { t } from "../../strings";
import { IconButton } from "../parts/controls";
import { Icon, type IconName } from "../parts/icons";
import { ChatTab } from "./chatTab";
import { CommentsTab } from "./commentsTab";
import { DocumentTab } from "./documentTab";
import { HistoryTab } from "./historyTab";
import { RunsTab } from "./runsTab";
import { SearchTab } from "./searchTab";
import type { TabProps } from "./tab";

interface TabKind {
  icon: IconName;
  Content: ComponentType<TabProps>;
  /** The right that is needed to see the tab. */
  needs?: Right;
  /** The number on the tab: unread items. */
  waiting?: (room: Room) => number;
}

export type Tab = "runs" | "chat" | "comments" | "history" | "document" | "search";
const TABS: Record<Tab, TabKind> = {
  runs: { icon: "continue", Content: RunsTab },
  chat: { icon: "chat", Content: ChatTab, waiting: (room) => room.chat.unread.value },
  comments: { icon: "comment", Content: CommentsTab },
  history: { icon: "history", Content: HistoryTab, needs: "history" },
  document: { icon: "bullets", Content: DocumentTab },
  search: { icon: "search", Content: SearchTab },
};

export function SidePanel(props: TabProps & { tab: Signal<Tab>; onClose: () => void }) {
  const { tab, onClose, ...content } = props;
  const list = useRef<HTMLDivElement>(null);
  const { Content } = TABS[tab.value];
  const rights = props.room.members.rights.value;
  const names = (Object.keys(TABS) as Tab[]).filter((name) => {
    const { needs } = TABS[name];
    return !needs || rights.has(needs);
  });
  const step = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const next = names[(names.indexOf(tab.value) + by + names.length) % names.length] as Tab;
    tab.value = next;
    list.current?.querySelector<HTMLElement>(`#tab-${next}`)?.focus();
  };
  return (
    <aside class="panel" aria-label={t.side.label}>
      <header class="panel-head">
        <div class="tabs" role="tablist" aria-label={t.side.label} ref={list} onKeyDown={step}>
          {names.map((name) => (
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
              <Waiting count={TABS[name].waiting?.(props.room) ?? 0} />
            </button>
          ))}
        </div>
        <IconButton icon="cross" label={t.runs.hide} onClick={onClose} class="panel-close" />
      </header>
      <div
        id="panel-body"
        class={`panel-body panel-${tab.value}`}
        role="tabpanel"
        aria-labelledby={`tab-${tab.value}`}
      >
        <Content {...content} />
      </div>
    </aside>
  );
}

function Waiting({ count }: { count: number }) {
  if (count === 0) return null;
  return (
    <span class="tab-badge">
      <span aria-hidden="true">{count > 99 ? "99+" : count}</span>
      <span class="offscreen">{t.side.waiting(count)}</span>
    </span>
  );
}
