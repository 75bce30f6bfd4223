import assert from "node:assert/strict";
import { test } from "node:test";
import { ClockOffset } from "../../src/connection/clock";
import { Link } from "../../src/connection/link";
import type { Phase } from "../../src/connection/phase";
import { encodeServer } from "../../src/protocol/codec";
import { CloseCode } from "../../src/protocol/errors";
import type { ServerMessage } from "../../src/protocol/messages";
import { FakeClock, FakeSocket, welcome } from "../support";

function linked() {
  const clock = new FakeClock();
  const sockets: FakeSocket[] = [];
  const phases: Phase[] = [];
  const heard: ServerMessage[] = [];
  const link = new Link({
    connect: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    hello: () => ({
      tag: "hello",
      version: 1,
      token: "t",
      name: "Ada",
      client_id: 1,
      session: null,
      resume: null,
      capabilities: [],
      agent: "test",
      kind: "human",
    }),
    clock,
    random: () => 1,
    onPhase: (phase) => phases.push(phase),
    onMessage: (message) => heard.push(message),
  });
  const last = (): FakeSocket => {
    const socket = sockets.at(-1);
    assert.ok(socket);
    return socket;
  };
  link.start();
  return { clock, sockets, phases, heard, link, last };
}

function opened() {
  const all = linked();
  all.last().open();
  all.last().say(welcome());
  return all;
}

test("it greets, and is open when it is welcomed", () => {
  const { last, link, phases } = linked();
  assert.equal(link.send({ tag: "redo", surface: null, step: 0 }), false);
  last().open();
  assert.equal(last().of("hello").length, 1);
  assert.equal(link.phase.name, "connecting");
  last().say(welcome());
  assert.deepEqual(
    phases.map((phase) => phase.name),
    ["connecting", "open"],
  );
  assert.equal(link.send({ tag: "redo", surface: null, step: 0 }), true);
  assert.equal(last().of("redo").length, 1);
});

test("a lost connection comes back by itself, later each time, and soon again after a good spell", () => {
  const { clock, sockets, last, link } = opened();
  const waits: number[] = [];
  for (let round = 0; round < 8; round += 1) {
    last().end(1006);
    assert.equal(link.phase.name, "offline");
    const before = clock.now();
    const count = sockets.length;
    while (sockets.length === count) clock.advance(100);
    waits.push(clock.now() - before);
  }
  assert.deepEqual(waits, [400, 800, 1600, 3200, 6400, 12_800, 15_000, 15_000]);
  last().open();
  last().say(welcome());
  for (let second = 0; second < 12; second += 1) {
    clock.advance(1000);
    last().say({ tag: "pong", sent_ms: clock.now(), server_ms: 0 });
  }
  last().end(1006);
  const count = sockets.length;
  clock.advance(400);
  assert.equal(sockets.length, count + 1);
});

test("close codes decide", () => {
  const outcomes: [number, Phase["name"]][] = [
    [CloseCode.GOING_AWAY, "offline"],
    [CloseCode.RESYNC, "offline"],
    [CloseCode.RATE_LIMITED, "offline"],
    [CloseCode.INTERNAL, "offline"],
    [CloseCode.DRAINING, "offline"],
    [CloseCode.ROOM_FULL, "offline"],
    [CloseCode.HELLO_TIMEOUT, "offline"],
    [1005, "offline"],
    [1006, "offline"],
    [CloseCode.UNAUTHORIZED, "denied"],
    [CloseCode.REVOKED, "denied"],
    [CloseCode.NO_ROOM, "denied"],
    [CloseCode.REPLACED, "denied"],
    [CloseCode.VERSION, "denied"],
    [CloseCode.MALFORMED, "denied"],
    [CloseCode.TOO_LARGE, "denied"],
  ];
  for (const [code, phase] of outcomes) {
    const { last, link, sockets, clock } = opened();
    last().end(code);
    assert.equal(link.phase.name, phase, String(code));
    clock.advance(60_000);
    assert.equal(sockets.length > 1, phase === "offline", String(code));
  }
});

test("a person may try again after a denial, and at once when offline", () => {
  const { last, link, sockets } = opened();
  last().end(CloseCode.REPLACED);
  link.retry();
  assert.equal(link.phase.name, "connecting");
  last().end(1006);
  link.retry();
  assert.equal(sockets.length, 3);
  last().open();
  last().say(welcome());
  assert.equal(link.send({ tag: "redo", surface: null, step: 0 }), true);
});

test("late events of an abandoned socket change nothing", () => {
  const { last, link, sockets, heard } = opened();
  const old = last();
  const { onclose, onmessage } = old;
  old.end(1006);
  link.retry();
  last().open();
  last().say(welcome());
  const count = heard.length;
  onclose?.({ code: CloseCode.REVOKED, reason: "" });
  onmessage?.({ data: encodeServer({ tag: "left", participant: "p" }).slice().buffer });
  assert.equal(link.phase.name, "open");
  assert.equal(heard.length, count);
  assert.equal(sockets.length, 2);
});

test("silence ends a connection that TCP still believes in", () => {
  const { clock, last, link } = opened();
  const socket = last();
  clock.advance(10_000);
  assert.equal(socket.of("ping").length, 2);
  clock.advance(20_000);
  assert.equal(link.phase.name, "offline");
  assert.notEqual(socket.closedWith, null);
});

test("a server that drains says when to come back", () => {
  const { clock, last, link, sockets } = opened();
  last().say({ tag: "go_away", reason: "restart", retry_ms: 3000 });
  last().end(CloseCode.DRAINING);
  assert.equal(link.phase.name === "offline" && link.phase.retryAtMs - clock.now(), 3000);
  clock.advance(2999);
  assert.equal(sockets.length, 1);
  clock.advance(1);
  assert.equal(sockets.length, 2);
});

test("fragments become one message; broken ones start the connection over", () => {
  const { last, heard, link } = opened();
  const whole = encodeServer({ tag: "update", offset: 3, update: new Uint8Array(1000).fill(7) });
  last().say({ tag: "fragment", index: 0, count: 2, body: whole.slice(0, 600) });
  last().say({ tag: "left", participant: "p_eve" });
  last().say({ tag: "fragment", index: 1, count: 2, body: whole.slice(600) });
  assert.deepEqual(
    heard.slice(1).map((message) => message.tag),
    ["left", "update"],
  );
  last().say({ tag: "fragment", index: 1, count: 2, body: whole.slice(600) });
  assert.equal(link.phase.name, "offline");
});

test("a message over 256 KB leaves in fragments", () => {
  const { last, link } = opened();
  assert.ok(link.send({ tag: "edit", batch: 1, update: new Uint8Array(500_000), step: "" }));
  const pieces = last().of("fragment");
  assert.equal(pieces.length, 3);
  assert.deepEqual(
    pieces.map((piece) => [piece.index, piece.count]),
    [
      [0, 3],
      [1, 3],
      [2, 3],
    ],
  );
});

test("what the server says before its welcome, or in a text frame, is not believed", () => {
  const early = linked();
  early.last().open();
  early.last().say({ tag: "left", participant: "p" });
  assert.equal(early.link.phase.name, "offline");
  const strange = opened();
  strange.last().onmessage?.({ data: "hello" });
  assert.equal(strange.link.phase.name, "offline");
});

test("leaving closes for good", () => {
  const { clock, last, link, sockets } = opened();
  link.close();
  assert.equal(last().closedWith, 1000);
  clock.advance(60_000);
  link.retry();
  assert.equal(sockets.length, 1);
  assert.equal(link.phase.name, "closed");
});

test("the clock offset is a median: one slow answer moves nothing", () => {
  const offset = new ClockOffset();
  assert.equal(offset.value, 0);
  for (const [sent, server, received] of [
    [0, 1010, 20],
    [100, 1110, 120],
    [200, 3000, 4000],
  ] as const) {
    offset.add(sent, server, received);
  }
  assert.equal(offset.value, 1000);
});
