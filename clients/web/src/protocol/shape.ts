// Shapes of wire values: each reads a decoded MessagePack value, or throws ShapeError, and writes it back.

export class ShapeError extends Error {}

export interface Shape<T> {
  read(value: unknown): T;
  write(value: T): unknown;
}

interface Field<T> extends Shape<T> {
  /** What stands for the field when a shorter array leaves it out. */
  fallback?: () => T;
}

// biome-ignore lint/suspicious/noExplicitAny: fields of one record have different types
type Fields = Record<string, Field<any>>;
export type Of<F extends Fields> = { [K in keyof F]: F[K] extends Shape<infer T> ? T : never };

function simple<T>(what: string, holds: (value: unknown) => value is T): Shape<T> {
  return {
    read(value) {
      if (!holds(value)) throw new ShapeError(`expected ${what}`);
      return value;
    },
    write: (value) => value,
  };
}

const isUint = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Length in characters (code points), as msgspec counts it. */
function characters(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

export const uint = simple("an unsigned integer", isUint);
export const integer = simple("an integer", (value): value is number => Number.isSafeInteger(value));
export const bool = simple("true or false", (value): value is boolean => typeof value === "boolean");
export const bytes = (max?: number) =>
  simple(
    "bytes within the bound",
    (value): value is Uint8Array => value instanceof Uint8Array && (max === undefined || value.length <= max),
  );

/** Numbers travel as float64, as msgspec writes a `float`; an integer is read as well. */
export const float = simple("a number", (value): value is number => typeof value === "number");

export function text({ min = 0, max, pattern }: { min?: number; max?: number; pattern?: RegExp } = {}) {
  return simple("a text within the bounds", (value): value is string => {
    if (typeof value !== "string" || (pattern && !pattern.test(value))) return false;
    if (max !== undefined && value.length > max && characters(value) > max) return false;
    return value.length >= min;
  });
}

/** An integer within [low, high]. */
export function whole(low: number, high: number): Shape<number> {
  return simple(
    `an integer from ${low} to ${high}`,
    (value): value is number => isUint(value) && value >= low && value <= high,
  );
}

/** A number within [low, high]. */
export function between(low: number, high: number): Shape<number> {
  return simple(
    `a number from ${low} to ${high}`,
    (value): value is number => typeof value === "number" && value >= low && value <= high,
  );
}

export function oneOf<const T extends string>(...choices: T[]): Shape<T> {
  return simple(choices.join(", "), (value): value is T => choices.includes(value as T));
}

export function nullable<T>(inner: Shape<T>): Shape<T | null> {
  return {
    read: (value) => (value === null ? null : inner.read(value)),
    write: (value) => (value === null ? null : inner.write(value)),
  };
}

export function list<T>(inner: Shape<T>, max?: number, min = 0): Shape<T[]> {
  return {
    read(value) {
      if (!Array.isArray(value)) throw new ShapeError("expected an array");
      if (max !== undefined && value.length > max) throw new ShapeError(`more than ${max} items`);
      if (value.length < min) throw new ShapeError(`fewer than ${min} items`);
      return value.map((item) => inner.read(item));
    },
    write: (value) => value.map((item) => inner.write(item)),
  };
}

function isPlainMap(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}

export function dictionary<T>(inner: Shape<T>): Shape<Record<string, T>> {
  const each = (value: Record<string, unknown>, change: (item: never) => unknown) =>
    Object.fromEntries(Object.entries(value).map(([key, item]) => [key, change(item as never)]));
  return {
    read(value) {
      if (!isPlainMap(value)) throw new ShapeError("expected a map");
      return each(value, inner.read) as Record<string, T>;
    },
    write: (value) => each(value, inner.write as (item: never) => unknown),
  };
}

/** A map with optional, known keys (generation parameters). */
export function options<F extends Fields>(fields: F): Shape<Partial<Of<F>>> {
  return {
    read(value) {
      if (!isPlainMap(value)) throw new ShapeError("expected a map");
      const out: Record<string, unknown> = {};
      for (const [key, item] of Object.entries(value)) {
        const field = fields[key];
        if (!field) throw new ShapeError(`unknown field ${key}`);
        out[key] = field.read(item);
      }
      return out as Partial<Of<F>>;
    },
    write(value) {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fields[key]?.write(item)]));
    },
  };
}

export function optional<T>(inner: Shape<T>, fallback: () => T): Field<T> {
  return { ...inner, fallback };
}

/** An array with a field in each place. Trailing fields that have a fallback may be missing, and what a newer server
 * adds after the known ones is ignored: a page that was open when the server was upgraded stays in its room. */
export function record<F extends Fields>(fields: F): Shape<Of<F>> {
  const entries = Object.entries(fields);
  return {
    read(value) {
      if (!Array.isArray(value)) throw new ShapeError("expected an array");
      const out: Record<string, unknown> = {};
      entries.forEach(([key, field], index) => {
        if (index < value.length) out[key] = field.read(value[index]);
        else if (field.fallback) out[key] = field.fallback();
        else throw new ShapeError(`missing field ${key}`);
      });
      return out as Of<F>;
    },
    write(value) {
      return entries.map(([key, field]) => field.write(value[key as keyof F] as never));
    },
  };
}
