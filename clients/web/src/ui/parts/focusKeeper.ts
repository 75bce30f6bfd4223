// Keeps the keyboard focus on the page. A pressed control often disappears (a card, a menu, a panel), and the focus
// would fall back to the top of the page; it goes to the nearest control that is left instead.

const FOCUSABLE =
  'a[href], button, input, select, textarea, summary, [contenteditable="true"], [tabindex="0"], [data-home]';

const isUsable = (element: HTMLElement) =>
  !element.matches(':disabled, [tabindex="-1"]:not([data-home])') && element.checkVisibility();

/** The stops of Tab in a part of the page, in order. */
export const stopsOf = (place: Element): HTMLElement[] =>
  [...place.querySelectorAll<HTMLElement>(FOCUSABLE)].filter(isUsable);

/** The target of the focus in a part of the page: its home (`data-home`), or its first stop. */
export function homeOf(place: Element): HTMLElement | null {
  const stops = stopsOf(place);
  return stops.find((stop) => "home" in stop.dataset) ?? stops[0] ?? null;
}

/** Watches the document; returns how to stop. After a pointer press the focus is left alone. */
export function keepFocus(): () => void {
  /** The element with the focus and its ancestors, innermost first. */
  let held: HTMLElement[] = [];
  let byKeys = false;
  /** Where the key that is down was pressed. */
  let pressedOn: EventTarget | null = null;
  const take = (event: Event) => {
    held = event
      .composedPath()
      .filter((each): each is HTMLElement => each instanceof HTMLElement && each !== document.body);
  };
  const pressed = (event: KeyboardEvent) => {
    byKeys = true;
    if (!event.repeat) pressedOn = event.target;
  };
  // A press counts where it began: the Enter that ended a name must not press the button that is focused by now.
  const pressGoesOn = (event: KeyboardEvent) => {
    const acts = event.type === "keypress" ? event.key === "Enter" : event.key === " ";
    if (acts && event.target !== pressedOn) event.preventDefault();
  };
  const pointed = () => {
    byKeys = false;
  };
  // A press beside a field leaves it for good: keys that follow are not meant for it.
  const left = ({ relatedTarget }: FocusEvent) => {
    if (!byKeys && !relatedTarget) held = [];
  };
  const mend = () => {
    const [last, ...around] = held;
    if (!byKeys || !last || document.activeElement !== document.body) return;
    // A control that was disabled for a moment gets the focus back.
    if (last.isConnected && last.checkVisibility()) {
      if (isUsable(last)) last.focus({ preventScroll: true });
      return;
    }
    for (const place of around) {
      if (!place.isConnected) continue;
      const next = place.matches(FOCUSABLE) && isUsable(place) ? place : homeOf(place);
      next?.focus({ preventScroll: true });
      if (next && document.activeElement === next) return;
    }
  };
  const watch = new MutationObserver(mend);
  watch.observe(document.body, {
    subtree: true,
    childList: true,
    attributes: true,
    attributeFilter: ["disabled", "hidden"],
  });
  addEventListener("focusin", take, true);
  addEventListener("keydown", pressed, true);
  addEventListener("keypress", pressGoesOn, true);
  addEventListener("keyup", pressGoesOn, true);
  addEventListener("pointerdown", pointed, true);
  addEventListener("focusout", left, true);
  return () => {
    watch.disconnect();
    removeEventListener("focusin", take, true);
    removeEventListener("keydown", pressed, true);
    removeEventListener("keypress", pressGoesOn, true);
    removeEventListener("keyup", pressGoesOn, true);
    removeEventListener("pointerdown", pointed, true);
    removeEventListener("focusout", left, true);
  };
}
