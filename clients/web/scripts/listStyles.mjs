// The style sheet of lists. Each level has the same four rules, which differ in the level's number only: they are made here.

/** Levels below the first, as many as the editor's formats have. */
const DEEPEST = 8;
const MARKERS = ["decimal", "lower-alpha", "lower-roman"];
const INDENT_EM = 1.6;

const levels = Array.from({ length: DEEPEST + 1 }, (_, level) => level);
/** Sets the counters of all deeper levels to 0: each counts anew below each item above it. */
const reset = (level) => levels.filter((each) => each > level).map((each) => `level-${each} 0`);

function ofLevel(level) {
  const item = level === 0 ? ".ql-editor li" : `.ql-editor li.ql-indent-${level}`;
  const ordered = item.replace("li", 'li[data-list="ordered"]');
  const marker = MARKERS[level % MARKERS.length];
  const indent = level === 0 ? "" : `margin-inline-start: ${(level * INDENT_EM).toFixed(1)}em;`;
  return `
${item} { ${indent} counter-set: ${reset(level).join(" ") || "none"}; }
${ordered} { counter-increment: level-${level}; }
${ordered} > .ql-ui::before { content: counter(level-${level}, ${marker}) "."; }`;
}

/** A list, or an item, that starts at a number of its own. Last, for it overrides the levels' counters. */
function started(level) {
  const indent = level === 0 ? "" : `.ql-indent-${level}`;
  const counters = [`level-${level} var(--start, 1)`, ...reset(level)];
  return `
.ql-editor li[data-list="ordered"][data-start]${indent} { counter-set: ${counters.join(" ")}; }`;
}

const listStyles = `
.ql-editor ol {
  padding-inline-start: ${INDENT_EM}em;
  counter-reset: ${levels.map((level) => `level-${level}`).join(" ")};
}
.ql-editor li { position: relative; }
.ql-editor li > .ql-ui {
  position: absolute;
  inset-inline-start: -${INDENT_EM}em;
  width: 1.2em;
  color: var(--ink-soft);
  font-variant-numeric: tabular-nums;
  text-align: end;
}
.ql-editor li[data-list="bullet"] > .ql-ui::before { content: "•"; }
.ql-editor li[data-list="unchecked"] > .ql-ui::before { content: "☐"; }
.ql-editor li[data-list="checked"] > .ql-ui::before { content: "☑"; }
${levels.map(ofLevel).join("\n")}
${levels.map(started).join("")}
`;

/** For esbuild: the file that `@import "antiphon:lists"` names. */
export const listStylesPlugin = {
  name: "list-styles",
  setup(build) {
    build.onResolve({ filter: /^antiphon:lists$/ }, ({ path }) => ({ path, namespace: "list-styles" }));
    build.onLoad({ filter: /.*/, namespace: "list-styles" }, () => ({ contents: listStyles, loader: "css" }));
  },
};
