// A field for messages: Enter sends, Shift + Enter starts another line. What was not sent stays in it.

import { type Signal, useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { without } from "../../room/storage/fieldDrafts";
import { Icon } from "./icons";

export function Composer(props: {
  /** The text of the field. */
  words: Signal<string>;
  label: string;
  placeholder: string;
  send: string;
  max: number;
  disabled?: boolean;
  focus?: boolean;
  /** Resolves false when it did not arrive. */
  onSend: (text: string) => Promise<boolean>;
  onCancel?: () => void;
  cancel?: string;
}) {
  const text = props.words;
  const sending = useSignal(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const form = useRef<HTMLFormElement>(null);
  // At once: the next key is meant for this field already.
  useLayoutEffect(() => {
    if (props.focus) field.current?.focus();
  }, []);
  const submit = async () => {
    const said = text.value.trim();
    if (!said || sending.value || props.disabled) return;
    sending.value = true;
    if (await props.onSend(said)) text.value = without(said, text.value);
    sending.value = false;
    // The button is disabled once the text is sent; the focus returns to the field.
    if (form.current?.contains(document.activeElement)) field.current?.focus();
  };
  return (
    <form
      ref={form}
      class="composer"
      aria-busy={sending.value}
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <textarea
        ref={field}
        class="field composer-field"
        rows={1}
        aria-label={props.label}
        placeholder={props.placeholder}
        maxLength={props.max}
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value;
        }}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          event.stopPropagation();
          void submit();
        }}
      />
      {props.onCancel && (
        <button
          type="button"
          class="button small quiet"
          onClick={() => {
            text.value = "";
            props.onCancel?.();
          }}
        >
          {props.cancel}
        </button>
      )}
      <button
        type="submit"
        class="icon-button composer-send"
        aria-label={props.send}
        title={props.send}
        disabled={props.disabled || text.value.trim() === ""}
      >
        <Icon name="arrow" />
      </button>
    </form>
  );
}
