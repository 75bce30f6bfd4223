// The formats at the caret, for the buttons of the toolbar.

export interface ActiveFormats {
  bold: boolean;
  italic: boolean;
  underline: boolean;
  strike: boolean;
  /** The level of a heading; 0: none. */
  header: number;
  /** The kind of a list; "": none. */
  list: string;
  blockquote: boolean;
}

/** From Quill's formats of a range; formats of only a part of it are not active. */
export function activeFormats(formats: Readonly<Record<string, unknown>>): ActiveFormats {
  return {
    bold: formats.bold === true,
    italic: formats.italic === true,
    underline: formats.underline === true,
    strike: formats.strike === true,
    header: typeof formats.header === "number" ? formats.header : 0,
    list: typeof formats.list === "string" ? formats.list : "",
    blockquote: formats.blockquote === true,
  };
}

export function sameFormats(a: ActiveFormats, b: ActiveFormats): boolean {
  return (Object.keys(a) as (keyof ActiveFormats)[]).every((name) => a[name] === b[name]);
}
