// A field to say something in: Enter sends, Shift + Enter begins another line. What was not sent stays.

import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Icon } from "./icons";

export function Composer(props: {
  label: string;
  placeholder: string;
  send: string;
  max: number;
  disabled?: boolean;
  focus?: boolean;
  /** Whether it was sent. */
  onSend: (text: string) => boolean | Promise<boolean>;
  onCancel?: () => void;
  cancel?: string;
}) {
  const text = useSignal("");
  const sending = useSignal(false);
  const field = useRef<HTMLTextAreaElement>(null);
  // At once: the next key that is pressed is meant for this field already.
  useLayoutEffect(() => {
    if (props.focus) field.current?.focus();
  }, []);
  const submit = async () => {
    const said = text.value.trim();
    if (!said || sending.value || props.disabled) return;
    sending.value = true;
    if (await props.onSend(said)) text.value = "";
    sending.value = false;
  };
  return (
    <form
      class="composer"
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
          if (event.key === "Escape" && props.onCancel) {
            event.stopPropagation();
            props.onCancel();
          }
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          event.stopPropagation();
          void submit();
        }}
      />
      {props.onCancel && (
        <button type="button" class="button small quiet" onClick={props.onCancel}>
          {props.cancel}
        </button>
      )}
      <button
        type="submit"
        class="icon-button composer-send"
        aria-label={props.send}
        title={props.send}
        disabled={props.disabled || sending.value || text.value.trim() === ""}
      >
        <Icon name="arrow" />
      </button>
    </form>
  );
}
