// The room at a point of the history: its canvas and its text, coloured by author or compared with now.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { blocksOf } from "../../editor/text/blocks";
import type { Change, PastState } from "../../room/http/historyApi";
import type { CreatedRoom } from "../../room/http/httpApi";
import type { Room } from "../../room/room";
import { saveLinks } from "../../room/storage/browserStorage";
import { t } from "../../strings";
import { Dialog } from "../parts/controls";
import { clockTime } from "../parts/messageItem";
import type { View } from "../parts/view";
import type { HistoryBrowser } from "./historyBrowser";
import { CanvasCompared, PastCanvas } from "./pastCanvas";

export function PastView({
  room,
  historyBrowser,
  view,
}: {
  room: Room;
  historyBrowser: HistoryBrowser;
  view: View;
}) {
  const askForm = useSignal(false);
  const forked = useSignal<CreatedRoom | null>(null);
  const seq = historyBrowser.seq.value;
  if (seq === null) return null;
  const { rights } = room.members;
  const moment = historyBrowser.moment.value;
  const comparison = historyBrowser.comparing.value ? historyBrowser.comparison.value : null;
  const fork = () =>
    historyBrowser.attempt(async () => {
      const made = await room.history.fork(seq);
      saveLinks(made.room, made.links);
      forked.value = made;
    });
  return (
    <div class={`past past-of-${view}`} aria-busy={historyBrowser.loading.value}>
      <header class="past-head">
        <div>
          <h2>{t.history.title}</h2>
          <p class="hint">{moment && t.history.asOf(clockTime(moment.at_ms))}</p>
        </div>
        <label class="check">
          <input
            type="checkbox"
            checked={historyBrowser.comparing.value}
            onChange={(event) => historyBrowser.compare(event.currentTarget.checked)}
          />
          {t.history.compare}
        </label>
        {rights.value.has("fork") && (
          <button type="button" class="button small" onClick={() => void fork()}>
            {t.history.fork}
          </button>
        )}
        {rights.value.has("restore") && (
          <button type="button" class="button small" onClick={() => (askForm.value = true)}>
            {t.history.restore}
          </button>
        )}
        <button type="button" class="button small primary" onClick={() => historyBrowser.back()}>
          {t.history.back}
        </button>
      </header>
      {comparison && <CanvasCompared canvas={comparison.canvas} />}
      <div class="past-sides">
        {(view !== "canvas" || comparison) && (
          <section class="past-text" aria-label={t.history.title}>
            {comparison ? (
              <Compared room={room} story={comparison.story} />
            ) : (
              moment && <AsItWas room={room} moment={moment} />
            )}
          </section>
        )}
        {moment && !comparison && (view !== "text" || moment.canvas.length > 0) && (
          <section class="past-board-box" aria-label={t.history.canvas}>
            <PastCanvas room={room} moment={moment} />
          </section>
        )}
      </div>
      {askForm.value && (
        <Dialog title={t.history.restore} onClose={() => (askForm.value = false)}>
          <p>{t.history.restoreConfirm}</p>
          <div class="dialog-foot">
            <button type="button" class="button" onClick={() => (askForm.value = false)}>
              {t.cancel}
            </button>
            <button
              type="button"
              class="button primary"
              onClick={async () => {
                if (await historyBrowser.restore()) askForm.value = false;
              }}
            >
              {t.history.restoreYes}
            </button>
          </div>
          {historyBrowser.problem.value && (
            <p class="field-error" role="alert">
              {historyBrowser.problem.value}
            </p>
          )}
        </Dialog>
      )}
      {forked.value && (
        <Dialog title={t.history.forked} onClose={() => (forked.value = null)}>
          <p>{t.history.forkedHint}</p>
          <div class="dialog-foot">
            <a class="button primary" href={forked.value.links.owner ?? "/"} target="_blank" rel="noreferrer">
              {t.history.forkOpen}
            </a>
          </div>
        </Dialog>
      )}
    </div>
  );
}

function AsItWas({ room, moment }: { room: Room; moment: PastState }) {
  const blocks = blocksOf(moment.story);
  if (moment.characters === 0) return <p class="hint">{t.history.blank}</p>;
  return (
    <>
      {blocks.map((block, index) => {
        const words = block.parts.map((part, at) => (
          <Words key={`${at}`} room={room} author={part.author} bold={part.bold} italic={part.italic}>
            {part.text}
          </Words>
        ));
        const { Tag } = block;
        return <Tag key={`${index}`}>{words.length > 0 ? words : <br />}</Tag>;
      })}
    </>
  );
}

function Words(props: {
  room: Room;
  author: string;
  bold: boolean;
  italic: boolean;
  children: ComponentChildren;
}) {
  const person = props.room.members.all.value.get(props.author);
  const style = { "--who": person?.color ?? "transparent" };
  const words = props.italic ? <em>{props.children}</em> : props.children;
  return (
    <span class="by" style={style} title={person?.name} data-author={props.author}>
      {props.bold ? <strong>{words}</strong> : words}
    </span>
  );
}

function Compared({ room, story }: { room: Room; story: readonly Change[] }) {
  if (story.every((change) => change.op === "equal")) return <p class="hint">{t.history.same}</p>;
  return (
    <p class="compared">
      {story.map((change, index) => {
        const name = room.members.all.value.get(change.author)?.name;
        if (change.op === "equal") return change.text;
        const Tag = change.op === "insert" ? "ins" : "del";
        return (
          <Tag key={`${index}`} title={name}>
            {change.text}
          </Tag>
        );
      })}
    </p>
  );
}
