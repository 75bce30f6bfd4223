import { Doc, encodeStateAsUpdate } from "yjs";
import { storyOf } from "../../src/room/document/document";
import type { UnsavedStore } from "../../src/room/document/offlineEdits";
import { Room } from "../../src/room/room";
import { ada, FakeClock, FakeSocket, welcome } from "../support";

export const eve = { ...ada, id: "p_eve", name: "Eve", role: "editor" as const };

export function inside(
  text = "",
  { unsavedStore = null, joined = true }: { unsavedStore?: UnsavedStore | null; joined?: boolean } = {},
) {
  const clock = new FakeClock();
  const sockets: FakeSocket[] = [];
  const room = new Room({
    token: "t",
    name: "Ada",
    session: "secret",
    unsavedStore: Promise.resolve(unsavedStore),
    clock,
    random: () => 0,
    connect: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
  });
  const server = new Doc();
  storyOf(server).insert(0, text);
  const socket = () => sockets.at(-1) as FakeSocket;
  const join = () => {
    socket().open();
    socket().say(welcome({ participants: [ada, eve] }));
    const update = encodeStateAsUpdate(server);
    socket().say({ tag: "rebuild", lineage: "lin", epoch: "ep", offset: 4, reason: "new", update });
  };
  room.enter();
  if (joined) join();
  /** The server changes the document, and everybody hears of it. */
  const deliver = (change: (doc: Doc) => void) => {
    change(server);
    socket().say({ tag: "update", offset: 5, update: encodeStateAsUpdate(server) });
  };
  return { clock, room, socket, sockets, join, deliver };
}

/** Lets what awaits go on. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));
