import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../../strings";
import { Brand } from "../parts/controls";

const MAX_NAME = 48;

export function NamePrompt({ onName }: { onName: (name: string) => void }) {
  const name = useSignal("");
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  return (
    <main class="message">
      <Brand />
      <form
        class="message-body"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.value.trim()) onName(name.value.trim());
        }}
      >
        <h1>{t.name.title}</h1>
        <label class="field-label" for="name">
          {t.name.label}
        </label>
        <div class="field-row">
          <input
            id="name"
            ref={field}
            class="field"
            maxLength={MAX_NAME}
            value={name.value}
            placeholder={t.name.placeholder}
            autocomplete="nickname"
            onInput={(event) => {
              name.value = event.currentTarget.value;
            }}
          />
          <button type="submit" class="button primary" disabled={!name.value.trim()}>
            {t.name.enter}
          </button>
        </div>
      </form>
    </main>
  );
}
