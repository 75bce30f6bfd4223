// The chat tab: messages of people and answers of the model, which stream for everybody.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { RunInfo } from "../../protocol/messages";
import { type MessageItem as Entry, MAX_SAID } from "../../room/document/chat";
import type { Room } from "../../room/room";
import { isActive } from "../../room/runs";
import { t } from "../../strings";
import { Composer } from "../parts/composer";
import { Icon } from "../parts/icons";
import { MessageItem } from "../parts/messageItem";
import { queueText } from "../parts/queueText";
import { noteOf } from "../parts/serverText";
import { RetryButton } from "../story/retryButton";
import { Calls } from "./performersSection";
import type { TabProps } from "./tab";

export function ChatTab({ room, editor }: TabProps) {
  const toModel = useSignal(false);
  const end = useRef<HTMLDivElement>(null);
  const entries = room.chat.entries.value;
  const last = entries.at(-1);
  useEffect(() => {
    room.chat.look(true);
    return () => room.chat.look(false);
  }, [room]);
  // A message that was searched for stays in view until the tab is left.
  const { chosen } = room.search;
  const wanted = chosen.value?.kind === "chat" ? chosen.value.id : "";
  useEffect(() => {
    if (!wanted) end.current?.scrollIntoView({ block: "nearest" });
  }, [last?.id, last?.text.length, wanted]);
  useEffect(
    () => () => {
      chosen.value = null;
    },
    [chosen],
  );
  const model = [...room.members.all.value.values()].find((person) => person.kind === "ai");
  const answering = room.models.value.find((each) => each.modality === "text");
  const mayAsk = room.members.rights.value.has("prompt");
  return (
    <div class="chat">
      <div class="chat-entries" role="log" aria-label={t.chat.label}>
        {entries.length === 0 && (
          <div class="panel-empty">
            <p>{t.chat.empty}</p>
            <p class="hint">{t.chat.emptyHint(model?.name ?? "")}</p>
          </div>
        )}
        {entries.map((entry) => (
          <Line key={entry.id} room={room} entry={entry} found={entry.id === wanted} />
        ))}
        <div ref={end} />
      </div>
      {room.members.rights.value.has("chat") && (
        <div class="chat-foot">
          {mayAsk && (
            <label class="check">
              <input
                type="checkbox"
                checked={toModel.value}
                onChange={(event) => {
                  toModel.value = event.currentTarget.checked;
                }}
              />
              {t.chat.toModel(model?.name ?? "")}
            </label>
          )}
          {toModel.value && answering && (
            <p class="hint chat-model">
              {answering.name}
              {answering.note && `: ${noteOf(answering)}`}
            </p>
          )}
          <Calls room={room} words={room.fieldDrafts.field("chat")} />
          <Composer
            words={room.fieldDrafts.field("chat")}
            label={t.chat.say}
            placeholder={toModel.value ? t.chat.askPlaceholder : t.chat.placeholder}
            send={t.chat.send}
            max={MAX_SAID}
            onSend={(text) => room.chat.say(text, toModel.value && mayAsk, () => editor?.range().end ?? 0)}
          />
        </div>
      )}
    </div>
  );
}

function Line({ room, entry, found }: { room: Room; entry: Entry; found: boolean }) {
  const run = entry.run ? room.runs.all.value.get(entry.run) : undefined;
  const writing = run !== undefined && isActive(run);
  const notes = run?.task === "performer" && !writing ? notesOf(room, run) : "";
  return (
    <MessageItem
      room={room}
      author={entry.participant}
      ms={entry.ms}
      text={entry.text}
      growing={writing}
      found={found}
    >
      {writing && (
        <p class="said-actions">
          <span class="hint" role="status">
            {run.state === "queued" ? queueText(run) : t.chat.writing}
          </span>
          {room.members.mayConduct(run) && (
            <button type="button" class="button small" onClick={() => room.requests.stop(run.id)}>
              <Icon name="stop" />
              {t.runs.stop}
            </button>
          )}
          {(run.task === "chat" || run.task === "performer") && <RetryButton room={room} run={run} />}
        </p>
      )}
      {notes && <p class="hint">{notes}</p>}
    </MessageItem>
  );
}

/** What a performer left in the text beside its answer. */
function notesOf(room: Room, run: RunInfo): string {
  const comments = room.comments.all.value.filter((comment) => comment.run === run.id).length;
  return t.performers.left(comments, run.suggestion === "open");
}
