// Line icons, drawn on a 20 x 20 grid. Decorative: the control that holds one has its own label.

const PATHS = {
  bold: "M6 4h5a3 3 0 0 1 0 6H6zM6 10h5.8a3.2 3.2 0 0 1 0 6.4H6z",
  italic: "M8.5 4h6M5.5 16h6M12 4 8 16",
  heading: "M4.5 4v12M12 4v12M4.5 10H12M15 12.5l2-1V16",
  subheading: "M4.5 4v12M12 4v12M4.5 10H12M14.8 12.2a1.5 1.5 0 0 1 2.8.7c0 1.2-2.6 1.8-2.8 3.1h2.9",
  bullets: "M8 5h9M8 10h9M8 15h9M3.5 5h.01M3.5 10h.01M3.5 15h.01",
  numbers: "M8.5 5H17M8.5 10H17M8.5 15H17M3 4l1.2-.6V7M3 12.4c.2-1 2.2-1 2.2.2 0 .9-2.2 1.3-2.2 2.6h2.3",
  quote: "M4 5v10M8 6h9M8 10h9M8 14h6",
  undo: "M7.5 5 4 8.5 7.5 12M4 8.5h7.5a4 4 0 0 1 0 8H8",
  redo: "M12.5 5 16 8.5 12.5 12M16 8.5H8.5a4 4 0 0 0 0 8H12",
  share: "M10 12V3.5M6.8 6.5 10 3.3l3.2 3.2M5 10.5v5A1.5 1.5 0 0 0 6.5 17h7a1.5 1.5 0 0 0 1.5-1.5v-5",
  stop: "M6 6h8v8H6z",
  check: "m4.5 10.5 3.7 3.7 7.3-8",
  cross: "m5.5 5.5 9 9M14.5 5.5l-9 9",
  arrow: "M4 10h11.5M11 5.5l4.5 4.5-4.5 4.5",
  copy: "M7.5 7.5h8v8h-8zM12.5 7.5v-3h-8v8h3",
  panel: "M3.5 4.5h13v11h-13zM12 4.5v11",
  steer: "M4 6h7M15 6h1M4 14h1M9 14h7M13 4.2v3.6M7 12.2v3.6",
  select: "M5 3.5 15.5 10l-4.8 1.1-2.2 4.6z",
  hand: "M6.5 10.5V5.6a1.1 1.1 0 0 1 2.2 0V9V4.4a1.1 1.1 0 0 1 2.2 0V9V5.2a1.1 1.1 0 0 1 2.2 0v5l.9-1.2a1.2 1.2 0 0 1 1.9 1.4l-2.6 4.5A4 4 0 0 1 9.9 17C7.200 17 6.500 14 6.500 10.500Z",
  pen: "M4 16l.8-3.4L13.600 3.800a1.300 1.300 0 0 1 1.900 0l.7.7a1.300 1.300 0 0 1 0 1.900L7.400 15.200zM12 5.500l2.500 2.500",
  eraser:
    "M8.500 16 4.300 11.800a1.200 1.200 0 0 1 0-1.700l6-6a1.200 1.200 0 0 1 1.700 0l3.700 3.700a1.200 1.200 0 0 1 0 1.700L9.200 16zM7.200 7.200l5.500 5.500M9 16h7.500",
  rectangle: "M4 5.500h12v9H4z",
  ellipse:
    "M16.500 10c0 2.900-2.900 5.200-6.500 5.200S3.500 12.900 3.500 10 6.400 4.800 10 4.800s6.500 2.300 6.500 5.200z",
  line: "M4.500 15.500l11-11",
  letter: "M4.500 6V4.500h11V6M10 4.500v11M8 15.500h4",
  brush:
    "M9 11 15.300 3.900a1 1 0 0 1 1.500 1.300L10.600 12.600M9 11c1 .2 1.500.8 1.600 1.600C10.600 14.900 8.500 16.500 3.500 16c1.700-1 1.600-2.300 2.200-3.700.6-1.200 1.900-1.700 3.300-1.300z",
  picture: "M3.500 4.500h13v11h-13zM3.500 13l3.800-3.800 4 4 2.200-2.200 3 3M13 7.500h.01",
  front: "M4 4h8v8H4zM14.500 8H16v8H8v-1.500",
  back: "M8 8h8v8H8zM5.500 12H4V4h8v1.500",
  bin: "M4.500 6h11M8 6V4h4v2M6 6l.6 10h6.800L14 6",
  plus: "M10 4.500v11M4.500 10h11",
  minus: "M4.500 10h11",
  continue: "M4 6h12M4 10h7M4 14h4M14 11.5l3 2.5-3 2.5",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** Two voices that answer each other. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
      <path class="mark-one" d="M5.5 19C5.5 11 8 5 12.3 5" />
      <path class="mark-two" d="M18.5 5c0 8-2.5 14-6.8 14" />
    </svg>
  );
}
