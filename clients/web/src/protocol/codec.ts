// MessagePack frames <-> typed messages: one array [tag, field, ...] each.
//
// `decode` throws only Malformed; a tag that this version does not know gives null, so that newer servers can say
// more than we understand.
//
// Over 350 lines: one table of all messages, in the order of messages.ts.

import { encode as pack, decode as unpack } from "@msgpack/msgpack";
import {
  type AckStatus,
  type ClientMessage,
  FRAGMENT_BODY,
  MAX_FRAGMENTS,
  type Message,
  type ServerMessage,
  type Tag,
} from "./messages";
import {
  between,
  bool,
  bytes,
  dictionary,
  float,
  integer,
  list,
  nullable,
  oneOf,
  optional,
  options,
  record,
  type Shape,
  ShapeError,
  text,
  uint,
  whole,
} from "./shape";

export class Malformed extends Error {}

const id = text({ min: 1, max: 64 });
const name = text({ min: 1, max: 48 });
const prose = text({ max: 2000 });
const instruction = text({ max: 4000 });
const anyText = text();
const blank = () => "";
const zero = () => 0;
const nothing = () => null;

const participant = record({
  id,
  name,
  color: text({ max: 7, pattern: /^#[0-9a-fA-F]{6}$/ }),
  role: oneOf("owner", "editor", "viewer"),
  kind: oneOf("human", "agent", "ai"),
  online: optional(bool, () => true),
});
const resume = record({ lineage: id, epoch: id, offset: uint });
const alternative = record({ text: text({ max: 256 }), logprob: float });
const tokenInfo = record({
  index: uint,
  text: text({ max: 1024 }),
  token_id: integer,
  logprob: float,
  alternatives: optional(list(alternative, 8), () => []),
});
const task = oneOf("continue", "instruct", "rewrite", "fix", "brainstorm", "fill");
const imageTask = oneOf("text_to_image", "image_to_image", "inpaint");
const mode = oneOf("write", "suggest", "private");
const surface = oneOf("story", "canvas", "jam", "film");
const stepKind = oneOf("", "new", "same", "undo", "redo");
const runInfo = record({
  id,
  epoch: uint,
  participant: id,
  author: id,
  task: oneOf(
    "continue",
    "instruct",
    "rewrite",
    "fix",
    "brainstorm",
    "fill",
    "text_to_image",
    "image_to_image",
    "inpaint",
    "chat",
    "alternative",
    "suggest",
    "performer",
    "jam",
    "speak",
  ),
  mode,
  state: oneOf("queued", "running", "done", "stopped", "failed"),
  model: anyText,
  instruction: optional(instruction, blank),
  progress: optional(uint, zero),
  length: optional(uint, zero),
  position: optional(uint, zero),
  expected_start_ms: optional(uint, zero),
  seed: optional(uint, zero),
  suggestion: optional(oneOf("none", "open", "accepted", "rejected"), () => "none" as const),
  undone: optional(bool, () => false),
  error_code: optional(anyText, blank),
  error: optional(prose, blank),
  created_ms: optional(uint, zero),
  target: optional(text({ max: 64 }), blank),
  group: optional(text({ max: 64 }), blank),
  origin: optional(text({ max: 64 }), blank),
  text: optional(text({ max: 16_384 }), blank),
  thinned: optional(oneOf("", "load", "viewers"), () => "" as const),
  fills: optional(list(text({ max: 240 }), 6), () => []),
});
const performerRole = oneOf("cowriter", "editor", "critic", "dramaturg", "own");
const performerRights = list(oneOf("comment", "suggest", "edit"), 3);
const performerId = text({ max: 32, pattern: /^[A-Za-z0-9_-]{1,32}$/ });
const performer = record({
  id: performerId,
  name: text({ max: 32 }),
  color: text({ max: 7, pattern: /^#[0-9a-fA-F]{6}$/ }),
  role: optional(performerRole, () => "own" as const),
  brief: optional(prose, blank),
  model: optional(anyText, blank),
  rights: optional(performerRights, () => []),
  hourly: optional(whole(0, 60), () => 20),
  unasked: optional(whole(0, 60), zero),
  spent: optional(uint, zero),
});
const codexName = text({ max: 100 });
const attribute = text({ max: 32 });
const codexFact = record({
  attribute,
  value: codexName,
  quote: text({ max: 300 }),
  start: uint,
  end: uint,
});
const codexEntry = record({
  name: codexName,
  kind: oneOf("person", "place", "thing"),
  count: uint,
  facts: optional(list(codexFact), () => []),
});
const codexContradiction = record({ name: codexName, attribute, first: codexFact, second: codexFact });
const imageModel = record({
  width: uint,
  height: uint,
  steps: uint,
  guidance: float,
  max_pixels: uint,
  samplers: list(anyText),
  strength: optional(float, () => 0.6),
  adapters: optional(list(anyText), () => []),
  styles: optional(list(anyText), () => []),
});
const audioModel = record({
  hears: oneOf("notes", "audio", "nothing"),
  controls: list(anyText),
  roles: list(anyText),
  lead_ms: float,
  pre_skip: optional(uint, zero),
  prompts: optional(list(anyText), () => []),
});
const speechModel = record({
  voices: list(record({ id: anyText, language: anyText, gender: anyText, name: anyText })),
  weights: optional(anyText, blank),
});
const better = record({
  name: anyText,
  megabytes: uint,
  stage: oneOf("waits", "fetches", "verifies", "tries", "stays"),
  fraction: optional(float, zero),
  reason: optional(anyText, blank),
  reason_key: optional(anyText, blank),
  reason_values: optional(list(anyText), () => []),
});
const modelInfo = record({
  modality: oneOf("text", "image", "audio", "speech"),
  name: anyText,
  device: anyText,
  ready: bool,
  note: optional(anyText, blank),
  image: optional(nullable(imageModel), nothing),
  audio: optional(nullable(audioModel), nothing),
  backend: optional(anyText, blank),
  building: optional(list(record({ part: anyText, backend: anyText, fraction: float })), () => []),
  choices: optional(list(anyText), () => []),
  coming: optional(anyText, blank),
  refused: optional(anyText, blank),
  note_key: optional(anyText, blank),
  note_values: optional(list(anyText), () => []),
  better: optional(nullable(better), nothing),
  beside: optional(list(anyText), () => []),
  speech: optional(nullable(speechModel), nothing),
});
const limits = record({
  max_message: uint,
  max_update: uint,
  max_document: uint,
  max_runs: uint,
  edits_per_second: float,
  max_asset: optional(uint, zero),
  max_asset_pixels: optional(uint, zero),
  max_objects: optional(uint, zero),
  max_points: optional(uint, zero),
  max_chat: optional(uint, zero),
  max_comments: optional(uint, zero),
});
const right = oneOf(
  "see",
  "edit",
  "prompt",
  "conduct",
  "chat",
  "comment",
  "history",
  "restore",
  "fork",
  "moderate",
);
const styleCard = options({
  tone: text({ max: 200 }),
  person: text({ max: 100 }),
  tense: text({ max: 100 }),
  keep: text({ max: 1000 }),
  avoid: text({ max: 1000 }),
  facts: prose,
});
const styleMeasures = record({
  words: uint,
  sentences: uint,
  sentence_words: float,
  dialogue: float,
  typical: list(anyText),
  names: list(anyText),
});
const version = record({ id, name: text({ min: 1, max: 100 }), seq: uint, ms: uint, author: id });
const commentId = text({ max: 32, pattern: /^[A-Za-z0-9_-]{1,32}$/ });
const sampling = {
  max_tokens: whole(1, 4096),
  temperature: between(0, 4),
  top_k: whole(0, 1000),
  top_p: between(0, 1),
  min_p: between(0, 1),
  repetition_penalty: between(0.5, 3),
};
const textParams = options({
  ...sampling,
  seed: nullable(uint),
  stop: list(text({ min: 1, max: 64 }), 8),
  alternatives: whole(0, 8),
  whole_sentences: bool,
});
const textSteer = options({ ...sampling, instruction });
const side = nullable(whole(16, 2048));
const imageParams = options({
  steps: nullable(whole(1, 100)),
  guidance: nullable(between(0, 30)),
  strength: nullable(between(0, 1)),
  seed: nullable(uint),
  negative_prompt: prose,
  width: side,
  height: side,
  sampler: nullable(oneOf("ddim", "euler", "dpmpp_2m", "lcm", "flow_euler", "scm")),
  adapters: list(record({ name: text({ min: 1, max: 64 }), scale: between(-2, 2) }), 4),
});
const imageSteer = options({
  prompt: prose,
  negative_prompt: prose,
  guidance: between(0, 30),
  previews: whole(0, 100),
  preview_side: whole(32, 512),
});
const noteEvent = record({ at_ms: float, pitch: whole(0, 127), velocity: whole(0, 127) });
const bandNote = record({
  tick: integer,
  duration: integer,
  role: oneOf("lead", "bass", "chords", "pad", "drums"),
  pitch: whole(0, 127),
  velocity: whole(0, 127),
});
const bandChord = record({ tick: integer, name: text({ max: 16 }) });
const transportChange = options({
  playing: bool,
  tempo: between(30, 300),
  beats: whole(2, 7),
  tonic: whole(0, 11),
  mode: oneOf("maj", "min"),
  bar: whole(0, 100_000),
});
const asset = text({ max: 64, pattern: /^[0-9a-f]{64}$/ });
const span = {
  run: id,
  offset: optional(uint, zero),
  start: optional(nullable(uint), nothing),
  end: optional(nullable(uint), nothing),
};
const fragment = record({
  index: whole(0, MAX_FRAGMENTS - 1),
  count: whole(2, MAX_FRAGMENTS),
  body: bytes(FRAGMENT_BODY),
});

type Shapes<M extends Message> = { [T in M["tag"]]: Shape<Omit<Extract<M, { tag: T }>, "tag">> };

const CLIENT: Shapes<ClientMessage> = {
  hello: record({
    version: whole(0, 65535),
    token: text({ max: 2048 }),
    name: text({ max: 48 }),
    client_id: uint,
    session: optional(nullable(text({ max: 128 })), nothing),
    resume: optional(nullable(resume), nothing),
    capabilities: optional(list(text({ max: 32 }), 32), () => []),
    agent: optional(text({ max: 128 }), blank),
    kind: optional(oneOf("human", "agent"), () => "human" as const),
  }),
  edit: record({ batch: uint, update: bytes(), step: optional(stepKind, () => "" as const) }),
  set_presence: record({ state: text({ max: 4096 }) }),
  viewing: record({ side: whole(0, 65535) }),
  ask: record({
    ask: uint,
    task,
    mode,
    offset: uint,
    start: uint,
    end: uint,
    instruction: optional(instruction, blank),
    params: optional(textParams, () => ({})),
    model: optional(text({ max: 1024 }), blank),
  }),
  paint: record({
    paint: uint,
    frame: id,
    task: imageTask,
    prompt: prose,
    params: optional(imageParams, () => ({})),
    source: optional(nullable(asset), nothing),
    mask: optional(nullable(asset), nothing),
    live: optional(bool, () => false),
  }),
  play: record({ events: list(noteEvent, 64, 1) }),
  conduct: record({
    conduct: uint,
    change: transportChange,
    when: optional(oneOf("now", "beat", "bar"), () => "bar" as const),
  }),
  perform: record({ perform: uint, seed: optional(nullable(uint), nothing) }),
  stop: record({ run: id }),
  steer: record({
    run: id,
    change: optional(textSteer, () => ({})),
    image: optional(nullable(imageSteer), nothing),
  }),
  accept: record(span),
  reject: record(span),
  choose: record({
    run: id,
    mode: optional(mode, () => "write" as const),
    text: optional(text({ max: 240 }), blank),
  }),
  retry: record({ ask: uint, run: id }),
  recall: record({ run: id }),
  suggest: record({
    suggest: uint,
    offset: uint,
    start: uint,
    end: uint,
    text: text({ max: 16384 }),
    reason: optional(text({ max: 500 }), blank),
  }),
  replace_token: record({
    ask: uint,
    run: id,
    token: uint,
    alternative: whole(0, 7),
    offset: uint,
    start: uint,
    end: uint,
    go_on: optional(bool, () => false),
    params: optional(textParams, () => ({})),
  }),
  undo: record({
    run: optional(nullable(id), nothing),
    surface: optional(nullable(surface), nothing),
    step: optional(uint, zero),
  }),
  redo: record({ surface: optional(nullable(surface), nothing), step: optional(uint, zero) }),
  say: record({
    say: uint,
    text: text({ min: 1, max: 4000 }),
    to_ai: optional(bool, () => false),
    offset: optional(uint, zero),
    at: optional(nullable(uint), nothing),
    model: optional(text({ max: 1024 }), blank),
  }),
  comment: record({
    id: commentId,
    offset: uint,
    start: uint,
    end: uint,
    text: text({ min: 1, max: 4000 }),
  }),
  reply: record({ comment: commentId, text: text({ min: 1, max: 4000 }) }),
  resolve: record({ comment: commentId, resolved: optional(bool, () => true) }),
  delete_comment: record({ comment: commentId, reply: optional(nullable(id), nothing) }),
  put_performer: record({
    id: performerId,
    name: optional(text({ max: 32 }), blank),
    role: optional(performerRole, () => "own" as const),
    brief: optional(prose, blank),
    color: optional(text({ max: 7, pattern: /^(#[0-9a-fA-F]{6})?$/ }), blank),
    model: optional(text({ max: 1024 }), blank),
    rights: optional(nullable(performerRights), nothing),
    hourly: optional(whole(0, 60), () => 20),
    unasked: optional(whole(0, 60), zero),
    language: optional(oneOf("en", "ru"), () => "en" as const),
  }),
  drop_performer: record({ id: performerId }),
  learn_style: record({ learn: uint, offset: uint, start: uint, end: uint }),
  revoke: record({ participant: id, everywhere: optional(bool, () => false) }),
  use_model: record({
    modality: oneOf("text", "image", "audio", "speech"),
    model: text({ min: 1, max: 1024 }),
  }),
  resync: record({ reason: optional(text({ max: 128 }), blank) }),
  ping: record({ sent_ms: float }),
  fragment,
};

const status = oneOf<AckStatus>(
  "remake",
  "applied",
  "durable",
  "denied",
  "invalid",
  "too_large",
  "rate_limited",
  "unavailable",
);

const SERVER: Shapes<ServerMessage> = {
  welcome: record({
    version: integer,
    room: id,
    participant,
    session: anyText,
    lineage: id,
    epoch: id,
    offset: uint,
    participants: list(participant),
    runs: list(runInfo),
    models: list(modelInfo),
    limits,
    server_ms: float,
    resumed: bool,
    last_batch: uint,
    rights: optional(list(right), () => []),
    client_id: optional(uint, () => 0),
  }),
  rebuild: record({
    lineage: id,
    epoch: id,
    offset: uint,
    reason: anyText,
    update: bytes(),
  }),
  update: record({ offset: uint, update: bytes() }),
  ack: record({ batch: uint, status, offset: optional(uint, zero), message: optional(prose, blank) }),
  joined: record({ participant }),
  left: record({ participant: id }),
  presence: record({ participant: id, client_id: uint, state: anyText }),
  run: record({ offset: uint, run: runInfo, ask: optional(uint, zero) }),
  steered: record({ run: id, epoch: uint, made: uint }),
  tokens: record({ run: id, epoch: uint, tokens: list(tokenInfo) }),
  preview: record({
    run: id,
    epoch: uint,
    step: uint,
    of: uint,
    width: uint,
    height: uint,
    jpeg: bytes(FRAGMENT_BODY),
  }),
  played: record({ participant: id, events: list(noteEvent) }),
  conducted: record({ conduct: uint, serial: uint, at_ms: float, beat: float }),
  band_stream: record({
    run: id,
    epoch: uint,
    start_ms: float,
    frame: uint,
    from_pts: optional(uint, zero),
    pre_skip: optional(uint, zero),
  }),
  audio: record({ run: id, epoch: uint, seq: uint, pts: uint, opus: bytes(16_384) }),
  band_notes: record({
    run: id,
    epoch: uint,
    notes: list(bandNote, 1024),
    chords: optional(list(bandChord, 64), () => []),
  }),
  audio_gap: record({ dropped: uint }),
  performers: record({ performers: list(performer) }),
  codex: record({ offset: uint, entries: list(codexEntry), contradictions: list(codexContradiction) }),
  learned: record({ learn: uint, card: styleCard, measures: styleMeasures }),
  shares: record({ offset: uint, people: dictionary(uint), runs: dictionary(uint) }),
  versions: record({ versions: list(version) }),
  models: record({ models: list(modelInfo) }),
  links: record({ links: dictionary(anyText) }),
  pass: record({ token: anyText }),
  digest: record({ offset: uint, sha256: bytes() }),
  stepped: record({
    step: uint,
    redo: bool,
    surface,
    kind: anyText,
    offset: uint,
    start: optional(nullable(uint), nothing),
    end: optional(nullable(uint), nothing),
    objects: optional(list(anyText), () => []),
    run: optional(anyText, blank),
  }),
  steps: record({ steps: dictionary(list(uint, 2)) }),
  error: record({
    code: anyText,
    message: prose,
    re: optional(anyText, blank),
    ref: optional(anyText, blank),
  }),
  go_away: record({ reason: anyText, retry_ms: uint }),
  pong: record({ sent_ms: float, server_ms: float }),
  fragment,
};

const BOUNDS = { maxArrayLength: 100_000, maxMapLength: 1000, maxDepth: 16 };

function encodeWith(shapes: Record<string, Shape<unknown>>, message: Message): Uint8Array {
  const fields = shapes[message.tag]?.write(message);
  if (!Array.isArray(fields)) throw new Malformed(`no message ${message.tag}`);
  return pack([message.tag, ...fields]);
}

function decodeWith<M extends Message>(shapes: Shapes<M>, data: Uint8Array): M | null {
  let value: unknown;
  try {
    value = unpack(data, BOUNDS);
  } catch (error) {
    throw new Malformed(`not MessagePack: ${String(error)}`);
  }
  if (!Array.isArray(value) || typeof value[0] !== "string") throw new Malformed("expected [tag, ...]");
  const tag = value[0] as M["tag"] & Tag;
  if (!Object.hasOwn(shapes, tag)) return null;
  try {
    const fields = (shapes[tag] as Shape<object>).read(value.slice(1));
    return { tag, ...fields } as M;
  } catch (error) {
    if (error instanceof ShapeError) throw new Malformed(`${tag}: ${error.message}`);
    throw error;
  }
}

export const encodeClient = (message: ClientMessage): Uint8Array =>
  encodeWith(CLIENT as Record<string, Shape<unknown>>, message);
export const encodeServer = (message: ServerMessage): Uint8Array =>
  encodeWith(SERVER as Record<string, Shape<unknown>>, message);
export const decodeClient = (data: Uint8Array): ClientMessage | null => decodeWith(CLIENT, data);
export const decodeServer = (data: Uint8Array): ServerMessage | null => decodeWith(SERVER, data);
