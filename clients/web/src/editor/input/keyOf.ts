// The key of a shortcut: the letter typed where it is Latin (so that other Latin layouts keep theirs), else the letter
// at that place of an English keyboard.

const PLACES: Record<string, string> = {
  BracketLeft: "[",
  BracketRight: "]",
  Comma: ",",
  Period: ".",
  Slash: "/",
  Equal: "=",
  Minus: "-",
};

export function keyOf(event: Pick<KeyboardEvent, "key" | "code">): string {
  const { key, code } = event;
  if (key.length > 1 && key !== "Process" && key !== "Dead" && key !== "Unidentified") return key;
  if (key.length === 1 && key >= " " && key <= "~") return key.toLowerCase();
  const letter = /^(?:Key|Digit)([A-Z0-9])$/.exec(code)?.[1];
  return letter?.toLowerCase() ?? PLACES[code] ?? key.toLowerCase();
}
