// Sort keys of objects: there is a key between any two, so moving one object changes no other. antiphon_proto/document/order.py
// has the same arithmetic, and says why keys stay short.

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE = DIGITS.length;

/** A key above `low` and below `high`; "" stands for no bound. Throws RangeError when there is none between. */
export function keyBetween(low = "", high = ""): string {
  const made = between(low, high);
  if (!made || made <= low || (high && made >= high)) {
    throw new RangeError(`no order key between ${low} and ${high}`);
  }
  return made;
}

/** `count` keys in order, as short as they can be. Throws RangeError when there is none between. */
export function keysBetween(low: string, high: string, count: number): string[] {
  if (count <= 0) return [];
  if (low && high) {
    const half = Math.floor(count / 2);
    const made = keyBetween(low, high);
    return [...keysBetween(low, made, half), made, ...keysBetween(made, high, count - half - 1)];
  }
  const keys: string[] = [];
  for (let made = high || low; keys.length < count; keys.push(made)) {
    made = high ? keyBetween("", made) : keyBetween(made);
  }
  return high ? keys.reverse() : keys;
}

/** Compares as the server does: ASCII, ties by id. */
export function byOrder(a: { z: string; id: string }, b: { z: string; id: string }): number {
  if (a.z !== b.z) return a.z < b.z ? -1 : 1;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

function between(low: string, high: string): string {
  if (!low && !high) return DIGITS.charAt(BASE / 2);
  if (!high) return above(low);
  if (!low) return below(high);
  return low < high ? middle(low, high) : "";
}

/** As many leading "z" (or "0") as there are, so many digits count on behind them. */
const counted = (ends: number) => Math.min(1 << Math.min(ends, 3), 8);

function above(low: string): string {
  const ends = low.length - low.replace(/^z+/, "").length;
  const digits = counted(ends);
  let number = numberOf(low.slice(ends, ends + digits).padEnd(digits, "0")) + 1;
  if (number % BASE === 0) number += 1;
  if (number < (BASE - 1) * BASE ** (digits - 1)) return "z".repeat(ends) + written(number, digits);
  return "z".repeat(ends + 1) + "1".padStart(counted(ends + 1), "0");
}

function below(high: string): string {
  const ends = high.length - high.replace(/^0+/, "").length;
  const digits = counted(ends);
  const exact = high.length <= ends + digits ? 1 : 0;
  let number = numberOf(high.slice(ends, ends + digits).padEnd(digits, "0")) - exact;
  if (number % BASE === 0) number -= 1;
  if (number >= BASE ** (digits - 1)) return "0".repeat(ends) + written(number, digits);
  return "0".repeat(ends + 1) + "z".repeat(counted(ends + 1));
}

/** Between two keys; `high` becomes empty once the result is below it already. */
function middle(lowest: string, highest: string): string {
  let made = "";
  let high = highest;
  for (let place = 0; ; place += 1) {
    const first = Math.max(0, DIGITS.indexOf(lowest.charAt(place) || "0"));
    const last = high ? DIGITS.indexOf(high.charAt(place)) : BASE;
    if (last - first > 1) return made + DIGITS.charAt(Math.floor((first + last) / 2));
    if (last > first && high.length > place + 1) return made + high.charAt(place);
    made += DIGITS.charAt(first);
    if (last > first) high = "";
    else if (high.length <= place + 1) return "";
  }
}

function numberOf(digits: string): number {
  let number = 0;
  for (const digit of digits) number = number * BASE + DIGITS.indexOf(digit);
  return number;
}

function written(value: number, length: number): string {
  let number = value;
  let digits = "";
  for (let count = 0; count < length; count += 1) {
    digits = DIGITS.charAt(number % BASE) + digits;
    number = Math.floor(number / BASE);
  }
  return digits;
}
