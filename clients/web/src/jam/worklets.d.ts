// Types of an AudioWorklet's global scope (lib.dom has the page's only), and the addresses that the build gives the
// worklets.

declare const sampleRate: number;
declare const currentTime: number;
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;
declare abstract class AudioWorkletProcessor {
  readonly port: MessagePort;
  abstract process(inputs: Float32Array[][], outputs: Float32Array[][]): boolean;
}

/** Addresses of the built worklets. */
declare const SYNTH_WORKLET: string;
declare const BAND_WORKLET: string;
