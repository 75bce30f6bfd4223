// The IndexedDB store for a tab's unsaved edits. Where there is none (private windows, a full disk) nothing is kept,
// and the page asks before it closes.

import { ALIVE_MS, type UnsavedEdits, type UnsavedStore } from "../document/offlineEdits";

interface Row extends UnsavedEdits {
  room: string;
  tab: string;
  atMs: number;
}

const STORE = "unsaved";
/** A tab without a sign of life for so long is closed. */
const GONE_MS = 3 * ALIVE_MS;

/** `tab` names this tab, also after a reload of its page. Null: this browser keeps nothing. */
export async function openUnsavedStore(room: string, tab: string): Promise<UnsavedStore | null> {
  const db = await open().catch(() => null);
  if (!db) return null;
  const mine = [room, tab];
  let others: IDBValidKey[] = [];
  return {
    async put(unsaved) {
      const change = db.transaction(STORE, "readwrite");
      const rows = change.objectStore(STORE);
      if (unsaved) rows.put({ ...unsaved, room, tab, atMs: Date.now() } satisfies Row);
      else rows.delete(mine);
      await committed(change);
    },
    async take() {
      const rows = db.transaction(STORE).objectStore(STORE);
      const all = await done<Row[]>(rows.getAll(IDBKeyRange.bound([room], [room, []])));
      const left = all.filter((row) => row.tab === tab || Date.now() - row.atMs > GONE_MS);
      others = left.filter((row) => row.tab !== tab).map((row) => [room, row.tab]);
      return left;
    },
    async settle() {
      const rows = db.transaction(STORE, "readwrite").objectStore(STORE);
      await Promise.all(others.map((key) => done(rows.delete(key))));
      others = [];
    },
  };
}

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open("antiphon", 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: ["room", "tab"] });
  return done(request);
}

/** A request may succeed and the disk be full when the transaction is written. */
function committed(change: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    change.oncomplete = () => resolve();
    change.onabort = () => reject(change.error);
  });
}

function done<T>(request: IDBRequest): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result as T);
    request.onerror = () => reject(request.error);
  });
}
