// Every message of `/ws`, mirroring antiphon_proto/messages/__init__.py field by field. Positions in the story are UTF-8 byte
// offsets of its plain text. PROTOCOL.md explains the exchanges.
//
// Over 350 lines: as the file that it mirrors, it holds the whole protocol.

export const VERSION = 1;
export const MAX_FRAME = 256 * 1024;
export const FRAGMENT_BODY = 192 * 1024;
export const MAX_FRAGMENTS = 512;

export type Role = "owner" | "editor" | "viewer";
export type Task = "continue" | "instruct" | "rewrite" | "fix" | "brainstorm" | "fill";
/** Of runs that no `ask` starts. */
export type WriterTask = "chat" | "alternative" | "suggest" | "performer";
export type ImageTask = "text_to_image" | "image_to_image" | "inpaint";
export type Mode = "write" | "suggest" | "private";
export type RunState = "queued" | "running" | "done" | "stopped" | "failed";
export type SuggestionState = "none" | "open" | "accepted" | "rejected";
export type AckStatus =
  | "remake"
  | "applied"
  | "durable"
  | "denied"
  | "invalid"
  | "too_large"
  | "rate_limited"
  | "unavailable";

export interface Resume {
  lineage: string;
  epoch: string;
  offset: number;
}
export interface Participant {
  id: string;
  name: string;
  color: string;
  role: Role;
  /** `agent`: a program that acts for somebody. */
  kind: "human" | "agent" | "ai";
  online: boolean;
}
export type PerformerRole = "cowriter" | "editor" | "critic" | "dramaturg" | "own";
export type PerformerRight = "comment" | "suggest" | "edit";
export interface Performer {
  id: string;
  name: string;
  color: string;
  role: PerformerRole;
  /** What it is to do. */
  brief: string;
  /** One of the text models that serve; empty: the room's default. */
  model: string;
  rights: PerformerRight[];
  /** Runs that it may have in any hour. */
  hourly: number;
  /** Of these, how many by itself; 0: it waits to be asked. */
  unasked: number;
  /** Runs of the last hour. */
  spent: number;
}
/** What the story says of somebody, with the sentence that says it. */
export interface CodexFact {
  attribute: string;
  value: string;
  quote: string;
  start: number;
  end: number;
}
export interface CodexEntry {
  name: string;
  kind: "person" | "place" | "thing";
  count: number;
  facts: CodexFact[];
}
export interface CodexContradiction {
  name: string;
  attribute: string;
  first: CodexFact;
  second: CodexFact;
}
export interface Alternative {
  text: string;
  logprob: number;
}
export interface TokenInfo {
  index: number;
  text: string;
  token_id: number;
  logprob: number;
  alternatives: Alternative[];
}
export interface RunInfo {
  id: string;
  epoch: number;
  /** Who asked. */
  participant: string;
  /** The AI participant that writes. */
  author: string;
  task: Task | ImageTask | WriterTask | "jam" | "speak";
  mode: Mode;
  state: RunState;
  model: string;
  instruction: string;
  /** Tokens of a text, denoising steps of a picture; `length` 0: not known yet. */
  progress: number;
  length: number;
  /** Place in the queue from 1; 0 when not queued. */
  position: number;
  expected_start_ms: number;
  seed: number;
  suggestion: SuggestionState;
  undone: boolean;
  error_code: string;
  error: string;
  created_ms: number;
  /** The frame that a picture is painted for, or the chat entry that an answer stands in. */
  target: string;
  /** The candidates of one brainstorm share it. */
  group: string;
  /** The run that this one tries again, or a token of which it replaced. */
  origin: string;
  /** What it wrote, once it has ended, of a private run or a candidate. */
  text: string;
  /** Of a picture that is painted: why its live previews come noticeably more rarely than they could. */
  thinned: "" | "load" | "viewers";
  /** Words found for a gap so far, the best first. */
  fills: string[];
}
/** What an image model does when a request leaves it open, and its bounds; pixels. */
export interface ImageModel {
  width: number;
  height: number;
  steps: number;
  guidance: number;
  max_pixels: number;
  /** The first is the default. */
  samplers: string[];
  /** Of `image_to_image`. */
  strength: number;
  /** Names that `params.adapters` may ask for. */
  adapters: string[];
  /** Words for styles that it understands; empty: any words. */
  styles: string[];
}
/** What a band hears and honours. */
export interface AudioModel {
  hears: "notes" | "audio" | "nothing";
  /** Fields of the band's controls that it honours. */
  controls: string[];
  roles: string[];
  /** The least time between the making of a frame and its sounding. */
  lead_ms: number;
  /** Samples that an Opus decoder gives before the first that counts. */
  pre_skip: number;
  /** Words that it understands best; empty: any words. */
  prompts: string[];
}
export interface BetterModel {
  name: string;
  /** To be fetched; 0 where that is not known. */
  megabytes: number;
  stage: "waits" | "fetches" | "verifies" | "tries" | "stays";
  /** Of the stage, 0 to 1. */
  fraction: number;
  /** Of `stays`: why; with its name, for whoever has it in another language, and the values that stand in it. */
  reason: string;
  reason_key: string;
  reason_values: string[];
}
export interface VoiceInfo {
  id: string;
  /** As in `en-us` or `ru`; empty: any. */
  language: string;
  /** `female`, `male` or empty. */
  gender: string;
  name: string;
}
/** Voices for the lines of a film, the best first. */
export interface SpeechModel {
  voices: VoiceInfo[];
  weights: string;
}
export interface ModelInfo {
  modality: "text" | "image" | "audio" | "speech";
  name: string;
  device: string;
  ready: boolean;
  note: string;
  image: ImageModel | null;
  audio: AudioModel | null;
  /** What runs it; told again when another one takes over. */
  backend: string;
  /** Plans that are built for it while it serves. */
  building: { part: string; backend: string; fraction: number }[];
  /** Models that an owner may put in its place, itself among them. */
  choices: string[];
  /** The model that is being loaded to take its place. */
  coming: string;
  /** Why the one that was asked for last could not. */
  refused: string;
  /** Names `note`, for whoever has it in another language; the values stand in it. */
  note_key: string;
  note_values: string[];
  /** A better text model that is being fetched or tried, or why it does not serve. */
  better: BetterModel | null;
  /** Further text models that serve; who asks may name one of them, or this one. */
  beside: string[];
  /** Of a ready speech engine. */
  speech: SpeechModel | null;
}
export interface Limits {
  max_message: number;
  max_update: number;
  max_document: number;
  max_runs: number;
  edits_per_second: number;
  /** Bytes of a picture's file. */
  max_asset: number;
  max_asset_pixels: number;
  max_objects: number;
  /** Of one stroke. */
  max_points: number;
  /** Entries of the chat. */
  max_chat: number;
  max_comments: number;
}
export type Right =
  | "see"
  | "edit"
  | "prompt"
  | "conduct"
  | "chat"
  | "comment"
  | "history"
  | "restore"
  | "fork"
  | "moderate";

/** The style card; an absent field is empty. */
export interface StyleCard {
  tone?: string;
  person?: string;
  tense?: string;
  keep?: string;
  avoid?: string;
  facts?: string;
}
/** What was counted in a passage; shares are of 1. */
export interface StyleMeasures {
  words: number;
  sentences: number;
  sentence_words: number;
  dialogue: number;
  typical: string[];
  names: string[];
}
/** A named point of the history: after entry `seq`. */
export interface Version {
  id: string;
  name: string;
  seq: number;
  ms: number;
  author: string;
}

/** Sampling parameters by name; what is left out takes the server's default. */
export interface TextParams {
  max_tokens?: number;
  temperature?: number;
  top_k?: number;
  top_p?: number;
  min_p?: number;
  repetition_penalty?: number;
  seed?: number | null;
  stop?: string[];
  alternatives?: number;
  /** The text ends with a sentence, at about `max_tokens`. */
  whole_sentences?: boolean;
}
export interface TextSteer {
  instruction?: string;
  max_tokens?: number;
  temperature?: number;
  top_k?: number;
  top_p?: number;
  min_p?: number;
  repetition_penalty?: number;
}

/** What is left out, or null, is the model's own default. */
export interface ImageParams {
  steps?: number | null;
  guidance?: number | null;
  strength?: number | null;
  seed?: number | null;
  negative_prompt?: string;
  width?: number | null;
  height?: number | null;
  sampler?: string | null;
  /** Low-rank adapters that the server offers, by name. */
  adapters?: Adapter[];
}
export interface Adapter {
  name: string;
  scale: number;
}
export interface ImageSteer {
  prompt?: string;
  negative_prompt?: string;
  guidance?: number;
  previews?: number;
  preview_side?: number;
}

/** A key pressed (`velocity` 1 to 127) or released (0), in server time. */
export interface NoteEvent {
  at_ms: number;
  pitch: number;
  velocity: number;
}
export type BandRole = "lead" | "bass" | "chords" | "pad" | "drums";
/** `tick` counts from the jam's first beat, 480 to a beat. Drums: `pitch` is the General MIDI key. */
export interface BandNote {
  tick: number;
  duration: number;
  role: BandRole;
  pitch: number;
  velocity: number;
}
export interface BandChord {
  tick: number;
  name: string;
}
/** What is left out stays as it is. */
export interface TransportChange {
  playing?: boolean;
  tempo?: number;
  beats?: number;
  tonic?: number;
  mode?: "maj" | "min";
  bar?: number;
}

export interface Fragment {
  tag: "fragment";
  index: number;
  count: number;
  body: Uint8Array;
}

/** Where something is undone. */
export type Surface = "story" | "canvas" | "jam" | "film";
/** What an edit is for our undo: it begins another step, goes on with the last one, or takes it back, or does it again,
 * where we did that by ourselves. */
export type StepKind = "" | "new" | "same" | "undo" | "redo";

export type ClientMessage =
  | {
      tag: "hello";
      version: number;
      token: string;
      name: string;
      client_id: number;
      session: string | null;
      resume: Resume | null;
      capabilities: string[];
      agent: string;
      kind: "human" | "agent";
    }
  | { tag: "edit"; batch: number; update: Uint8Array; step: StepKind }
  | { tag: "set_presence"; state: string }
  /** How large pictures that are painted are shown: device pixels of the longer side of the largest; 0: none. */
  | { tag: "viewing"; side: number }
  | {
      tag: "ask";
      ask: number;
      task: Task;
      mode: Mode;
      offset: number;
      start: number;
      end: number;
      instruction: string;
      params: TextParams;
      /** One of the text models that serve side by side; empty: the one that serves. */
      model: string;
    }
  | {
      tag: "paint";
      paint: number;
      frame: string;
      task: ImageTask;
      prompt: string;
      params: ImageParams;
      source: string | null;
      mask: string | null;
      live: boolean;
    }
  | { tag: "play"; events: NoteEvent[] }
  | { tag: "conduct"; conduct: number; change: TransportChange; when: "now" | "beat" | "bar" }
  | { tag: "perform"; perform: number; seed: number | null }
  | { tag: "stop"; run: string }
  | { tag: "steer"; run: string; change: TextSteer; image: ImageSteer | null }
  | { tag: "accept"; run: string; offset: number; start: number | null; end: number | null }
  | { tag: "reject"; run: string; offset: number; start: number | null; end: number | null }
  | { tag: "choose"; run: string; mode: Mode /** One of the `fills` of a run. */; text: string }
  | { tag: "retry"; ask: number; run: string }
  | { tag: "recall"; run: string }
  | {
      tag: "suggest";
      suggest: number;
      offset: number;
      start: number;
      end: number;
      text: string;
      reason: string;
    }
  | {
      tag: "replace_token";
      ask: number;
      run: string;
      /** Its `index`. */
      token: number;
      /** Which of its alternatives, from 0. */
      alternative: number;
      offset: number;
      start: number;
      end: number;
      go_on: boolean;
      params: TextParams;
    }
  /** What a run made (`run`), or our own last action on a surface; null: on any. */
  | { tag: "undo"; run: string | null; surface: Surface | null; step: number }
  | { tag: "redo"; surface: Surface | null; step: number }
  | {
      tag: "say";
      say: number;
      text: string;
      to_ai: boolean;
      offset: number;
      at: number | null;
      model: string;
    }
  | { tag: "comment"; id: string; offset: number; start: number; end: number; text: string }
  | { tag: "reply"; comment: string; text: string }
  | { tag: "resolve"; comment: string; resolved: boolean }
  | { tag: "delete_comment"; comment: string; reply: string | null }
  | {
      tag: "put_performer";
      id: string;
      name: string;
      role: PerformerRole;
      brief: string;
      color: string;
      model: string;
      /** Null: those of its role. */
      rights: PerformerRight[] | null;
      hourly: number;
      unasked: number;
      language: "en" | "ru";
    }
  | { tag: "drop_performer"; id: string }
  | { tag: "learn_style"; learn: number; offset: number; start: number; end: number }
  | { tag: "revoke"; participant: string; everywhere: boolean }
  | { tag: "use_model"; modality: ModelInfo["modality"]; model: string }
  | { tag: "resync"; reason: string }
  | { tag: "ping"; sent_ms: number }
  | Fragment;

export interface Welcome {
  tag: "welcome";
  version: number;
  room: string;
  participant: Participant;
  session: string;
  lineage: string;
  epoch: string;
  offset: number;
  participants: Participant[];
  runs: RunInfo[];
  models: ModelInfo[];
  limits: Limits;
  server_ms: number;
  resumed: boolean;
  /** Highest batch of this session that the server has applied. */
  last_batch: number;
  rights: Right[];
  /** The Yjs client id that this session writes under. */
  client_id: number;
}
export interface Rebuild {
  tag: "rebuild";
  lineage: string;
  epoch: string;
  offset: number;
  reason: string;
  update: Uint8Array;
}

export type ServerMessage =
  | Welcome
  | Rebuild
  | { tag: "update"; offset: number; update: Uint8Array }
  | { tag: "ack"; batch: number; status: AckStatus; offset: number; message: string }
  | { tag: "joined"; participant: Participant }
  | { tag: "left"; participant: string }
  | { tag: "presence"; participant: string; client_id: number; state: string }
  | { tag: "run"; offset: number; run: RunInfo; ask: number }
  /** To whoever steered: tokens or denoising steps that had come before the change was in force. */
  | { tag: "steered"; run: string; epoch: number; made: number }
  | { tag: "tokens"; run: string; epoch: number; tokens: TokenInfo[] }
  | {
      tag: "preview";
      run: string;
      epoch: number;
      step: number;
      of: number;
      width: number;
      height: number;
      jpeg: Uint8Array;
    }
  | { tag: "played"; participant: string; events: NoteEvent[] }
  | { tag: "conducted"; conduct: number; serial: number; at_ms: number; beat: number }
  | {
      tag: "band_stream";
      run: string;
      epoch: number;
      start_ms: number;
      frame: number;
      from_pts: number;
      pre_skip: number;
    }
  | { tag: "audio"; run: string; epoch: number; seq: number; pts: number; opus: Uint8Array }
  | { tag: "band_notes"; run: string; epoch: number; notes: BandNote[]; chords: BandChord[] }
  | { tag: "audio_gap"; dropped: number }
  | { tag: "performers"; performers: Performer[] }
  | { tag: "codex"; offset: number; entries: CodexEntry[]; contradictions: CodexContradiction[] }
  | { tag: "learned"; learn: number; card: StyleCard; measures: StyleMeasures }
  | { tag: "shares"; offset: number; people: Record<string, number>; runs: Record<string, number> }
  | { tag: "versions"; versions: Version[] }
  | { tag: "models"; models: ModelInfo[] }
  | { tag: "links"; links: Record<string, string> }
  | { tag: "pass"; token: string }
  | { tag: "digest"; offset: number; sha256: Uint8Array }
  /** Answer to `undo` and `redo`: where the story changed, UTF-8 bytes as at `offset`, and what of the canvas. */
  | {
      tag: "stepped";
      step: number;
      redo: boolean;
      surface: Surface;
      kind: string;
      offset: number;
      start: number | null;
      end: number | null;
      objects: string[];
      run: string;
    }
  /** How many of our actions can be undone and done again. */
  | { tag: "steps"; steps: Partial<Record<Surface, number[]>> }
  | { tag: "error"; code: string; message: string; re: string; ref: string }
  | { tag: "go_away"; reason: string; retry_ms: number }
  | { tag: "pong"; sent_ms: number; server_ms: number }
  | Fragment;

export type Message = ClientMessage | ServerMessage;
export type Tag = Message["tag"];
export type MessageOf<T extends Tag> = Extract<Message, { tag: T }>;
