// The comments tab: threads in the order of the text, resolved ones apart.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type Comment, MAX_COMMENT } from "../../room/document/comments";
import type { Room } from "../../room/room";
import { isActive } from "../../room/runs";
import { t } from "../../strings";
import { Composer } from "../parts/composer";
import { IconButton } from "../parts/controls";
import { Icon } from "../parts/icons";
import { MessageItem } from "../parts/messageItem";
import { Calls } from "./performersSection";
import type { TabProps } from "./tab";

export function CommentsTab({ room, editor }: TabProps) {
  const resolved = useSignal(false);
  const all = room.comments.all.value;
  const place = (comment: Comment) => editor?.passageMarks.passages.value.get(comment.id)?.[0]?.index;
  const inOrder = [...all].sort(
    (a, b) => (place(a) ?? Number.POSITIVE_INFINITY) - (place(b) ?? Number.POSITIVE_INFINITY),
  );
  const dealt = inOrder.filter((comment) => comment.resolved);
  const shown = inOrder.filter((comment) => !comment.resolved || comment.id === room.comments.open.value);
  return (
    <div class="comments">
      {shown.length === 0 && (
        <div class="panel-empty">
          <p>{t.comments.empty}</p>
          {room.members.rights.value.has("comment") && <p class="hint">{t.comments.emptyHint}</p>}
        </div>
      )}
      {shown.map((comment) => (
        <Thread key={comment.id} room={room} editor={editor} comment={comment} />
      ))}
      {dealt.length > 0 && (
        <button
          type="button"
          class="button small quiet"
          aria-expanded={resolved.value}
          onClick={() => {
            resolved.value = !resolved.value;
          }}
        >
          {t.comments.resolvedOnes(dealt.length)}
        </button>
      )}
      {resolved.value &&
        dealt
          .filter((comment) => comment.id !== room.comments.open.value)
          .map((comment) => <Thread key={comment.id} room={room} editor={editor} comment={comment} />)}
    </div>
  );
}

function Thread({ room, editor, comment }: Pick<TabProps, "editor"> & { room: Room; comment: Comment }) {
  const root = useRef<HTMLElement>(null);
  const open = room.comments.open.value === comment.id;
  const span = editor?.passageMarks.passages.value.get(comment.id)?.[0];
  const may = room.members.rights.value.has("comment");
  const mayRemove = (author: string) =>
    may && (author === room.members.me.value?.id || room.members.rights.value.has("moderate"));
  useEffect(() => {
    if (open) root.current?.scrollIntoView({ block: "nearest" });
  }, [open]);
  const answering = [...room.runs.all.value.values()].filter(
    (run) => run.task === "performer" && run.target === comment.id && isActive(run),
  );
  const show = () => {
    room.comments.open.value = open ? null : comment.id;
    if (!open && span) editor?.bringIntoView(span.index);
  };
  return (
    <section
      ref={root}
      class={`thread ${open ? "thread-open" : ""} ${comment.resolved ? "thread-resolved" : ""}`}
      data-comment={comment.id}
      aria-label={t.comments.thread(comment.quote)}
    >
      <button type="button" class="thread-quote" aria-expanded={open} title={t.comments.show} onClick={show}>
        {comment.quote}
      </button>
      {!span && <p class="hint thread-orphan">{t.comments.orphan}</p>}
      <MessageItem room={room} author={comment.author} ms={comment.ms} text={comment.text} />
      {open &&
        comment.replies.map((reply) => (
          <MessageItem key={reply.id} room={room} author={reply.author} ms={reply.ms} text={reply.text}>
            {mayRemove(reply.author) && (
              <IconButton
                icon="bin"
                class="said-remove"
                label={t.comments.removeReply}
                onClick={() => room.comments.remove(comment.id, reply.id)}
              />
            )}
          </MessageItem>
        ))}
      {answering.map((run) => (
        <p key={run.id} class="hint" role="status">
          {t.performers.answering(room.members.all.value.get(run.author)?.name ?? "")}
        </p>
      ))}
      {!open && comment.replies.length > 0 && (
        <p class="hint">{t.comments.replies(comment.replies.length)}</p>
      )}
      {open && may && (
        <>
          <Calls room={room} words={room.fieldDrafts.field(`reply.${comment.id}`)} />
          <Composer
            words={room.fieldDrafts.field(`reply.${comment.id}`)}
            label={t.comments.reply}
            placeholder={t.comments.reply}
            send={t.comments.send}
            max={MAX_COMMENT}
            onSend={(text) => room.comments.reply(comment.id, text)}
          />
          <div class="thread-actions">
            <button
              type="button"
              class="button small"
              onClick={() => room.comments.resolve(comment.id, !comment.resolved)}
            >
              <Icon name={comment.resolved ? "undo" : "check"} />
              {comment.resolved ? t.comments.reopen : t.comments.resolve}
            </button>
            {mayRemove(comment.author) && (
              <button
                type="button"
                class="button small quiet"
                onClick={() => room.comments.remove(comment.id)}
              >
                <Icon name="bin" />
                {t.comments.remove}
              </button>
            )}
          </div>
        </>
      )}
    </section>
  );
}
