// Sets CSS variables for the part of the window that a phone's keyboard and the ask bar leave free.

/** `onChange` is called when the space for the text has changed. */
export function watchViewport(onChange: () => void): () => void {
  const { style } = document.documentElement;
  const view = window.visualViewport;
  const bars = new ResizeObserver(() => measure());
  const measure = () => {
    // In a zoomed page nothing is covered.
    const covered = view && view.scale === 1 ? Math.max(0, innerHeight - view.height - view.offsetTop) : 0;
    style.setProperty("--keyboard", `${Math.round(covered)}px`);
    const bar = document.querySelector<HTMLElement>(".ask");
    if (bar) {
      bars.observe(bar);
      style.setProperty("--ask-height", `${bar.offsetHeight}px`);
    }
    requestAnimationFrame(onChange);
  };
  view?.addEventListener("resize", measure);
  measure();
  return () => {
    view?.removeEventListener("resize", measure);
    bars.disconnect();
  };
}
