// Pages for a room that cannot be entered, or not any more. They show text that was not sent as well.

import { CloseCode } from "../../protocol/errors";
import type { Refusal } from "../../room/document/sync";
import { t } from "../../strings";
import { Brand } from "../parts/controls";
import { Refusals } from "./refusals";

const WORDS: Record<number, string[]> = {
  [CloseCode.UNAUTHORIZED]: t.denied.unauthorized,
  [CloseCode.REVOKED]: t.denied.revoked,
  [CloseCode.NO_ROOM]: t.denied.noRoom,
  [CloseCode.REPLACED]: t.denied.replaced,
  [CloseCode.VERSION]: t.denied.version,
};

export function DeniedPage(props: { code: number; refusals: readonly Refusal[]; onAgain: () => void }) {
  const { code } = props;
  const again = code === CloseCode.REPLACED ? t.denied.here : t.denied.again;
  const mayRetry = code !== CloseCode.REVOKED && code !== CloseCode.NO_ROOM;
  const act = code === CloseCode.VERSION ? () => location.reload() : props.onAgain;
  return (
    <Message words={WORDS[code] ?? t.denied.other} below={<Refusals refusals={props.refusals} />}>
      {mayRetry && (
        <button type="button" class="button primary" onClick={act}>
          {again}
        </button>
      )}
    </Message>
  );
}

/** `children`: the actions; `below`: further text. */
export function Message({
  words,
  below,
  children,
}: {
  words: readonly string[];
  below?: preact.ComponentChildren;
  children?: preact.ComponentChildren;
}) {
  return (
    <main class="message">
      <Brand />
      <div class="message-body">
        <h1>{words[0]}</h1>
        <p class="lead">{words[1]}</p>
        <p class="message-actions">
          {children}
          <a class="button" href="/">
            {t.denied.home}
          </a>
        </p>
        {below}
      </div>
    </main>
  );
}
