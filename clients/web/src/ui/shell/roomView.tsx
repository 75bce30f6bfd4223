// The room on the screen: top bar, page, side panel, ask bar; and the keys that work everywhere in it.

import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { keyOf } from "../../editor/input/keyOf";
import { StoryEditor } from "../../editor/storyEditor";
import type { Surface } from "../../protocol/messages";
import type { Hit } from "../../room/http/searchApi";
import type { Room } from "../../room/room";
import { placeOf } from "../../room/search";
import { type JamView, loadJam, loadView, saveJam, saveView } from "../../room/storage/browserStorage";
import { t } from "../../strings";
import { CanvasPanel } from "../canvas/canvasPanel";
import { FilmDock } from "../film/dock";
import { JamDock } from "../jam/dock";
import { HistoryBrowser } from "../panel/historyBrowser";
import { PastView } from "../panel/pastView";
import { SidePanel, type Tab } from "../panel/sidePanel";
import { keepFocus } from "../parts/focusKeeper";
import type { View } from "../parts/view";
import { AskBar } from "../story/askBar";
import { AskForm } from "../story/askForm";
import { AuthorColours } from "../story/authorColours";
import { CommentButton } from "../story/commentButton";
import { FindBar } from "../story/findBar";
import { FillCard } from "../story/gap/fillCard";
import { noticeWords } from "../story/importDialog";
import { LinkCard } from "../story/linkCard";
import { ShowingBar } from "../story/showingBar";
import { SpellingCard } from "../story/spellingCard";
import { SuggestionCard } from "../story/suggestionCard";
import { TitleField } from "../story/titleField";
import { TokenCard } from "../story/tokenCard";
import { Toolbar } from "../story/toolbar";
import { Announcer } from "./announcer";
import { HelpDialog } from "./helpDialog";
import { Notices } from "./notices";
import { Refusals } from "./refusals";
import { toRegion } from "./regions";
import { ShareDialog } from "./share";
import { TopBar } from "./topBar";
import { watchViewport } from "./viewport";

export function RoomView({ room }: { room: Room }) {
  const host = useRef<HTMLDivElement>(null);
  const editor = useSignal<StoryEditor | null>(null);
  const sharing = useSignal(false);
  const panel = useSignal(matchMedia("(min-width: 70rem)").matches);
  const tab = useSignal<Tab>("runs");
  const finding = useSignal(false);
  const helping = useSignal(false);
  const view = useSignal(loadView());
  const jam = useSignal<JamView>(loadJam());
  const askForm = useMemo(() => new AskForm(room), [room]);
  const historyBrowser = useMemo(() => new HistoryBrowser(room), [room]);
  const authorColours = useSignal<AuthorColours | null>(null);

  // Editor and keys must work as soon as the room is visible: an effect runs after the next paint, and a key before it
  // would be lost.
  useLayoutEffect(() => {
    if (!host.current) return;
    const made = new StoryEditor(host.current, room, {
      placeholder: t.story.placeholder,
      placeholderReading: t.story.placeholderReading,
      label: t.story.label,
      model: t.runs.title,
      completions: t.story.completions,
      pasted: (losses) => {
        const words = [...losses].map(([code, count]) => noticeWords({ code, count }));
        room.notices.add("file_changed", `${t.file.changedPaste} ${words.join("; ")}.`);
      },
    });
    askForm.editor = made;
    editor.value = made;
    const authors = new AuthorColours(room, made);
    authorColours.value = authors;
    return () => {
      authors.close();
      historyBrowser.close();
      made.destroy();
    };
  }, [room, askForm, historyBrowser]);

  // A pressed passage, or a new comment, shows its thread.
  useSignalEffect(() => {
    if (room.comments.open.value === null) return;
    panel.value = true;
    tab.value = "comments";
  });

  useLayoutEffect(() => {
    const keys = (event: KeyboardEvent) => {
      askForm.fill.problem.value = null;
      const command = event.ctrlKey || event.metaKey;
      const atCanvas = !showsText(view.peek()) || (event.target as Element).closest?.(".canvas");
      if (command && event.key === "Enter" && room.members.canEdit && !atCanvas) {
        event.preventDefault();
        event.stopPropagation();
        if (event.shiftKey) askForm.again();
        else void askForm.submit();
      } else if (event.altKey && event.key === "Enter" && !command && room.members.canEdit && !atCanvas) {
        event.preventDefault();
        event.stopPropagation();
        if (editor.peek()) void askForm.fill.begin(editor.peek() as StoryEditor);
      } else if (command && !event.shiftKey && keyOf(event) === "f" && showsText(view.peek())) {
        event.preventDefault();
        finding.value = true;
      } else if (command && event.shiftKey && keyOf(event) === "f") {
        event.preventDefault();
        searchRoom();
      } else if (event.key === "F1" || (command && keyOf(event) === "/")) {
        event.preventDefault();
        helping.value = true;
      } else if (event.key === "F6") {
        event.preventDefault();
        toRegion(event.shiftKey ? -1 : 1);
      } else if (command && !event.altKey) {
        const surface = surfaceOf(event.target as Element, host.current, view.peek());
        if (surface) undoKeys(event, room, surface);
      }
    };
    // Escape belongs first to the card, menu or dialog with the focus.
    const stop = (event: KeyboardEvent) => {
      if (event.key === "Escape" && askForm.stopMine()) event.preventDefault();
    };
    addEventListener("keydown", keys, true);
    addEventListener("keydown", stop);
    return () => {
      removeEventListener("keydown", keys, true);
      removeEventListener("keydown", stop);
    };
  }, [room, askForm]);

  useEffect(() => keepFocus(), []);
  useEffect(() => watchViewport(() => editor.peek()?.keepInView()), []);

  const show = (chosen: View) => {
    view.value = chosen;
    if (jam.peek() === "whole") jam.value = spacious() ? "beside" : "closed";
    saveView(chosen);
    // Three columns need a wide window.
    if (chosen === "both" && !matchMedia("(min-width: 100rem)").matches) panel.value = false;
  };

  useEffect(() => jam.subscribe(saveJam), [jam]);
  // A window that becomes small has no space for the jam beside the text: a tablet is turned, a window is made narrow.
  useEffect(() => {
    const query = matchMedia(SPACIOUS);
    const fit = () => {
      if (!query.matches && jam.peek() === "beside") jam.value = "whole";
    };
    fit();
    query.addEventListener("change", fit);
    return () => query.removeEventListener("change", fit);
  }, [jam]);
  const toggleJam = () => {
    // On small screens the jam takes the whole window.
    const open = spacious() ? "beside" : "whole";
    jam.value = jam.peek() === "closed" ? open : "closed";
  };

  const searchRoom = () => {
    panel.value = true;
    tab.value = "search";
    document.querySelector<HTMLInputElement>(".search-tab input")?.select();
  };
  const go = (hit: Hit) => {
    room.search.gone.value = false;
    room.search.chosen.value = hit;
    historyBrowser.close();
    const over = matchMedia(NARROW).matches;
    if (hit.kind === "chat") tab.value = "chat";
    else if (hit.kind === "board") {
      if (view.peek() !== "canvas" && view.peek() !== "both") show("canvas");
      if (over) panel.value = false;
    } else {
      if (!showsText(view.peek())) show("text");
      if (hit.kind === "comment") room.comments.open.value = hit.id;
      // A hidden text is visible in the next frame.
      requestAnimationFrame(() => {
        const shown = editor.peek();
        if (!shown) return;
        if (hit.kind === "comment") {
          const [span] = shown.passageMarks.passages.peek().get(hit.id) ?? [];
          if (span) shown.bringIntoView(span.index);
          return;
        }
        const place = placeOf(shown.plainText.peek(), hit);
        room.search.gone.value = place === null;
        if (!place) return;
        if (over) panel.value = false;
        shown.reveal(place.index, place.length);
      });
    }
  };

  const ai = [...room.members.all.value.values()].find((person) => person.kind === "ai");
  useEffect(() => {
    const { style } = document.documentElement;
    if (ai) style.setProperty("--ai", ai.color);
    if (room.members.me.value) style.setProperty("--me", room.members.me.value.color);
  }, [ai?.color, room.members.me.value?.color]);

  return (
    <div
      class={`room view-${historyBrowser.away.value ? "text" : view.value} ${panel.value ? "with-panel" : ""} jam-${jam.value}`}
    >
      <button
        type="button"
        class="skip-link"
        onClick={() => {
          if (!showsText(view.peek())) show("text");
          // A hidden text is visible in the next frame.
          requestAnimationFrame(() => editor.value?.focus());
        }}
      >
        {t.skip}
      </button>
      <TopBar
        room={room}
        editor={editor.value}
        onShare={() => (sharing.value = true)}
        onFind={() => (finding.value = true)}
        onSearch={searchRoom}
        onHelp={() => (helping.value = true)}
        panel={panel}
        view={view.value}
        onView={show}
        jam={jam.value !== "closed"}
        onJam={toggleJam}
      />
      <main class="desk" hidden={!showsText(view.value) && !historyBrowser.away.value}>
        {historyBrowser.away.value && (
          <PastView room={room} historyBrowser={historyBrowser} view={view.value} />
        )}
        <div class="page" hidden={historyBrowser.away.value}>
          {editor.value && room.members.canEdit && <Toolbar room={room} editor={editor.value} />}
          <TitleField room={room} onEnter={() => editor.value?.focusStart()} />
          {editor.value && <ShowingBar editor={editor.value} />}
          <div class="story" ref={host} />
          {editor.value && <SuggestionCard room={room} editor={editor.value} host={host} />}
          {editor.value && <SpellingCard room={room} editor={editor.value} host={host} />}
          {editor.value && (
            <FillCard
              form={askForm.fill}
              editor={editor.value}
              host={host}
              mode={askForm.mode.value === "suggest" ? "suggest" : "write"}
            />
          )}
          {editor.value && <LinkCard room={room} editor={editor.value} host={host} />}
          {editor.value && <CommentButton room={room} editor={editor.value} host={host} />}
          {editor.value && <TokenCard room={room} editor={editor.value} host={host} />}
        </div>
      </main>
      {/* After the text in the order of Tab. */}
      {showsText(view.value) && !historyBrowser.away.value && (
        <AskBar room={room} askForm={askForm} editor={editor.value} />
      )}
      {(view.value === "both" || view.value === "canvas") && (
        <CanvasPanel room={room} hidden={historyBrowser.away.value} />
      )}
      {view.value === "film" && !historyBrowser.away.value && <FilmDock room={room} />}
      <JamDock room={room} view={jam} />
      {panel.value && (
        <SidePanel
          room={room}
          askForm={askForm}
          editor={editor.value}
          historyBrowser={historyBrowser}
          authorColours={authorColours.value}
          tab={tab}
          go={go}
          onClose={() => {
            document.querySelector<HTMLElement>(".panel-toggle")?.focus();
            panel.value = false;
          }}
        />
      )}
      {finding.value && editor.value && showsText(view.value) && (
        <FindBar room={room} editor={editor.value} onClose={() => (finding.value = false)} />
      )}
      {helping.value && <HelpDialog room={room} onClose={() => (helping.value = false)} />}
      {sharing.value && <ShareDialog room={room} onClose={() => (sharing.value = false)} />}
      <Refusals refusals={room.refusals.value} onDismiss={(refusal) => room.dismissRefusal(refusal)} />
      <Notices room={room} />
      <Announcer room={room} />
    </div>
  );
}

/**
 * The surface that undo acts on for a key pressed at `target`: null in a field, which undoes its own typing, and on the board,
 * which has keys of its own.
 */
function surfaceOf(target: Element, text: HTMLElement | null, view: View): Surface | null {
  if (text?.contains(target)) return "story";
  // Number fields of the jam change the room with each key.
  if (target.closest(".jam") && !target.matches("input[type=text], textarea")) return "jam";
  if (target.matches("input:not([type=range], [type=checkbox], [type=radio]), textarea")) return null;
  if (target.closest(".canvas")) return null;
  if (view === "canvas" || view === "film") return view;
  return "story";
}

/** Whether the text is on the screen. */
const showsText = (view: View): boolean => view === "text" || view === "both";

/** The side panel lies over the page. */
const NARROW = "(max-width: 64rem)";
/** The window has space for the jam beside text and canvas. */
const SPACIOUS = "(min-width: 64.01rem) and (min-height: 42.01rem)";
const spacious = () => matchMedia(SPACIOUS).matches;

/** Undo and redo act on the surface with the focus, and on this person's own edits. */
function undoKeys(event: KeyboardEvent, room: Room, surface: Surface): void {
  // During a composition undo belongs to the input method.
  if (event.isComposing) return;
  const key = keyOf(event);
  const redo = (key === "z" && event.shiftKey) || key === "y";
  if (!redo && key !== "z") return;
  event.preventDefault();
  event.stopPropagation();
  if (redo) room.undoSteps.again(surface);
  else room.undoSteps.back(surface);
}
