// What of pasted words is not as it was: a code of `strings.file.notices`, and how often.

export type Losses = Map<string, number>;

export const count = (losses: Losses, code: string, more = 1): void => {
  losses.set(code, (losses.get(code) ?? 0) + more);
};
