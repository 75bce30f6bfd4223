// F6 moves the focus to the next region of the room, as in desktop programs; Shift + F6 to the previous one.

import { homeOf } from "../parts/focusKeeper";

/** In the order of the page. */
const REGIONS = [".topbar", ".desk", ".ask", ".canvas", ".jam", ".find", ".panel"];

export function toRegion(by: 1 | -1): void {
  const places = REGIONS.map((name) => document.querySelector<HTMLElement>(name)).filter(
    (place) => place?.checkVisibility() && homeOf(place),
  ) as HTMLElement[];
  if (places.length === 0) return;
  const here = places.findIndex((place) => place.contains(document.activeElement));
  const next = here < 0 ? (by > 0 ? 0 : -1) : here + by;
  homeOf(places.at(next % places.length) as HTMLElement)?.focus();
}
