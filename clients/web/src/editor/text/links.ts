// Addresses that a link may have.

const SCHEMES = new Set(["http:", "https:", "mailto:"]);
const MAX_LENGTH = 2000;
const NAMED = /^[a-z][a-z\d+.-]*:/i;
const MAIL = /^[^\s@/]+@[^\s@/]+\.[^\s@/]+$/;

/** The address for a link; null when the room does not allow it. */
export function safeLink(address: string): string | null {
  const trimmed = address.trim();
  if (trimmed === "" || trimmed.length > MAX_LENGTH) return null;
  try {
    const { protocol, href } = new URL(trimmed);
    return SCHEMES.has(protocol) && href.length <= MAX_LENGTH ? trimmed : null;
  } catch {
    return null;
  }
}

/** What somebody typed as an address: a scheme may be left out. */
export function typedLink(typed: string): string | null {
  const address = typed.trim();
  if (MAIL.test(address)) return safeLink(`mailto:${address}`);
  // A port after a name is no scheme.
  const bare = !NAMED.test(address) || /^[^:/]+\.[^:/]+:\d/.test(address);
  return safeLink(bare && address.includes(".") ? `https://${address}` : address);
}
