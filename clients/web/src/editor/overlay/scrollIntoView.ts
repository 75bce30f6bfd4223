// Scrolls a place of the text into view, clear of the ask bar and of a phone's keyboard.

type Box = { top: number; bottom: number };

export function bringIntoView(root: HTMLElement, box: Box): void {
  const page = root.closest<HTMLElement>(".desk");
  if (!page) return;
  const { top, bottom } = clearing(page);
  if (box.bottom > bottom) page.scrollTop += Math.min(box.bottom - bottom, box.top - top);
  else if (box.top < top) page.scrollTop -= top - box.top;
}

/** Whether a place can be seen. */
export function isInView(root: HTMLElement, box: Box | null): boolean {
  const page = root.closest<HTMLElement>(".desk");
  if (!page || !box) return true;
  const { top, bottom } = page.getBoundingClientRect();
  return box.bottom > top && box.top < bottom;
}

function clearing(page: HTMLElement): Box {
  const { top, bottom } = page.getBoundingClientRect();
  const style = getComputedStyle(page);
  const pad = (value: string) => Number.parseFloat(value) || 0;
  return { top: top + pad(style.scrollPaddingTop), bottom: bottom - pad(style.scrollPaddingBottom) };
}
