// The dialog before an import: encoding, differences from the file, and the title.

import { useSignal } from "@preact/signals";
import type { Converted, FileNotice } from "../../room/http/manuscripts";
import { t } from "../../strings";
import { Dialog } from "../parts/controls";

/** Whether the dialog is needed. */
export const needsAsking = ({ title, notices, encoding }: Converted): boolean =>
  title !== "" || notices.length > 0 || encoding?.sure === false;

export function ImportDialog(props: {
  name: string;
  found: Converted;
  /** The room's present title. */
  title: string;
  onEncoding: (encoding: string) => Promise<Converted | null>;
  onInsert: (found: Converted, title: string) => void;
  onClose: () => void;
}) {
  const found = useSignal(props.found);
  // The choices keep their first order.
  const choices = props.found.encoding?.choices ?? [];
  const chosen = useSignal(props.found.encoding?.name ?? "");
  const busy = useSignal(false);
  const rename = useSignal(props.title === "");
  const { title, notices } = found.value;
  const choose = async (name: string) => {
    chosen.value = name;
    busy.value = true;
    const again = await props.onEncoding(name);
    // Another encoding was chosen meanwhile: this answer is outdated.
    if (chosen.peek() !== name) return;
    busy.value = false;
    if (again) found.value = again;
    else chosen.value = found.peek().encoding?.name ?? "";
  };
  return (
    <Dialog title={t.file.bringing(props.name)} onClose={props.onClose}>
      <form
        class="import"
        aria-busy={busy.value}
        onSubmit={(event) => {
          event.preventDefault();
          props.onInsert(found.value, rename.value && title !== props.title ? title : "");
        }}
      >
        {choices.length > 0 && (
          <fieldset class="import-encodings" aria-busy={busy.value}>
            <legend>{t.file.encoding}</legend>
            {choices.map((choice) => (
              <label key={choice.encoding} class="import-encoding">
                <input
                  type="radio"
                  name="encoding"
                  checked={choice.encoding === chosen.value}
                  data-home={choice.encoding === chosen.value ? "" : undefined}
                  onChange={() => void choose(choice.encoding)}
                />
                <span class="import-preview" dir="auto">
                  {choice.preview}
                </span>
                <small>{choice.encoding}</small>
              </label>
            ))}
          </fieldset>
        )}
        {notices.length > 0 && (
          <section>
            <h3>{t.file.changed}</h3>
            <NoticeList notices={notices} />
          </section>
        )}
        {title !== "" && title !== props.title && (
          <label class="check">
            <input
              type="checkbox"
              checked={rename.value}
              onChange={(event) => {
                rename.value = event.currentTarget.checked;
              }}
            />
            {t.file.rename(title)}
          </label>
        )}
        <footer class="dialog-foot">
          <button type="button" class="button quiet" onClick={props.onClose}>
            {t.file.cancel}
          </button>
          <button type="submit" class="button primary" disabled={busy.value} data-home="">
            {t.file.insert}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

export function NoticeList({ notices }: { notices: readonly FileNotice[] }) {
  return (
    <ul class="import-notices">
      {notices.map((notice) => (
        <li key={notice.code}>{noticeWords(notice)}</li>
      ))}
    </ul>
  );
}

export function noticeWords({ code, count }: FileNotice): string {
  const words = t.file.notices[code as keyof typeof t.file.notices];
  return words ? words(count) : `${code}: ${count}`;
}
