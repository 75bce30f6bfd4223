// Text that the room refused: shown until the person dismisses it.

import type { Refusal } from "../../room/document/sync";
import { t } from "../../strings";
import { CopyButton } from "../parts/controls";

export function Refusals(props: { refusals: readonly Refusal[]; onDismiss?: (refusal: Refusal) => void }) {
  if (props.refusals.length === 0) return null;
  return (
    <div class="refusals" role="alert">
      {props.refusals.map((refusal, index) => (
        <section class="refusal" key={index}>
          <h2>{t.refused.title}</h2>
          <p>
            {t.refused[refusal.reason]} {refusal.text ? t.refused.kept : t.refused.nothing}
          </p>
          {refusal.text && <pre class="refusal-text">{refusal.text}</pre>}
          <div class="refusal-actions">
            {refusal.text && <CopyButton text={refusal.text} />}
            {props.onDismiss && (
              <button type="button" class="button quiet" onClick={() => props.onDismiss?.(refusal)}>
                {t.dismiss}
              </button>
            )}
          </div>
        </section>
      ))}
    </div>
  );
}
