// Controls that several screens share.

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../../strings";
import { stopsOf } from "./focusKeeper";
import { Icon, type IconName, Mark } from "./icons";

export function IconButton(props: {
  icon: IconName;
  label: string;
  onClick: () => void;
  pressed?: boolean;
  /** For a button that opens something. */
  expanded?: boolean;
  disabled?: boolean;
  class?: string;
}) {
  return (
    <button
      type="button"
      class={`icon-button ${props.class ?? ""}`}
      aria-label={props.label}
      title={props.label}
      aria-pressed={props.pressed}
      aria-expanded={props.expanded}
      disabled={props.disabled}
      onClick={props.onClick}
    >
      <Icon name={props.icon} />
    </button>
  );
}

export async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  // Plain http has no clipboard interface; a selected field still copies.
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "offscreen";
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

export function CopyButton({ text, label = t.copy }: { text: string; label?: string }) {
  const copied = useSignal(false);
  const copy = async () => {
    await copyText(text);
    copied.value = true;
    setTimeout(() => {
      copied.value = false;
    }, 1800);
  };
  return (
    <button type="button" class="button quiet" onClick={copy}>
      <Icon name={copied.value ? "check" : "copy"} />
      {copied.value ? t.copied : label}
    </button>
  );
}

/** A row or column of buttons that is one stop of Tab; arrows, Home and End move in it. */
export function ButtonBar(props: {
  label: string;
  class: string;
  vertical?: boolean;
  children: ComponentChildren;
}) {
  const root = useRef<HTMLDivElement>(null);
  const stops = () =>
    [...(root.current?.querySelectorAll<HTMLElement>("button:not(:disabled), summary") ?? [])].filter(
      (stop) => stop.checkVisibility(),
    );
  const settle = (wanted?: Element | null) => {
    const all = stops();
    const stop = all.find((each) => each === wanted) ?? all.find((each) => each.tabIndex === 0) ?? all[0];
    for (const each of root.current?.querySelectorAll<HTMLElement>("button, summary") ?? [])
      each.tabIndex = each === stop ? 0 : -1;
  };
  const placed = useRef(false);
  useLayoutEffect(() => {
    settle(placed.current ? null : stops()[0]);
    placed.current = true;
  });
  const keys = (event: KeyboardEvent) => {
    const all = stops();
    const here = all.indexOf(document.activeElement as HTMLElement);
    const [back, on] = props.vertical ? ["ArrowUp", "ArrowDown"] : ["ArrowLeft", "ArrowRight"];
    const to = { [back as string]: here - 1, [on as string]: here + 1, Home: 0, End: -1 }[event.key];
    if (to === undefined || here < 0) return;
    event.preventDefault();
    event.stopPropagation();
    all.at(to % all.length)?.focus();
  };
  return (
    <div
      ref={root}
      class={props.class}
      role="toolbar"
      aria-label={props.label}
      aria-orientation={props.vertical ? "vertical" : "horizontal"}
      onKeyDown={keys}
      onFocusCapture={(event) => settle(event.target as Element)}
    >
      {props.children}
    </div>
  );
}

/** A modal dialog: focus stays inside, Escape and the backdrop close it. It opens with the focus on what is marked
 * `data-home`, else on its first control; when it closes the focus goes back to where it was. */
export function Dialog(props: { title: string; onClose: () => void; children: ComponentChildren }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    dialog?.showModal();
    dialog?.querySelector<HTMLElement>("[data-home]")?.focus();
    return () => {
      dialog?.close();
      // A dialog that is removed from the page while it is open does not return the focus.
      if (before instanceof HTMLElement && document.activeElement === document.body) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      class="dialog"
      aria-label={props.title}
      onClose={props.onClose}
      onClick={(event) => {
        if (event.target === ref.current) props.onClose();
      }}
      onKeyDown={(event) => {
        // Escape closes the dialog; it must not stop a run as well.
        if (event.key === "Escape") event.stopPropagation();
        if (event.key !== "Tab" || !ref.current) return;
        // After the last stop comes the first; the browser would move on to its own bars.
        const stops = stopsOf(ref.current);
        const edge = event.shiftKey ? stops[0] : stops.at(-1);
        if (document.activeElement !== edge) return;
        event.preventDefault();
        (event.shiftKey ? stops.at(-1) : stops[0])?.focus();
      }}
    >
      <div class="dialog-body">
        <header class="dialog-head">
          <h2>{props.title}</h2>
          <IconButton icon="cross" label={t.close} onClick={props.onClose} />
        </header>
        {props.children}
      </div>
    </dialog>
  );
}

export function Brand() {
  return (
    <a class="brand" href="/" aria-label={t.brand}>
      <Mark />
      <span>{t.brand}</span>
    </a>
  );
}
