import { StringDecoder } from 'node:string_decoder';

import { visibleLines } from './sanitise.ts';
import { ClosedPipe, type Sink } from './streams.ts';

/**
 * Passes on what another program wrote: byte for byte into a pipe, with its control characters made visible on a terminal,
 * since what it says may be what a message says. Throws `ClosedPipe` where the reader has gone.
 */
export function passThrough(sink: Sink): (chunk: Uint8Array) => Promise<void> {
  const decoder = new StringDecoder('utf8');
  return async (chunk) => {
    await sink.write(sink.isTerminal ? visibleLines(decoder.write(Buffer.from(chunk))) : chunk);
  };
}

/** The same for what only helps: without a reader it is dropped. */
export function passTalkThrough(sink: Sink): (chunk: Uint8Array) => Promise<void> {
  const pass = passThrough(sink);
  return async (chunk) => {
    try {
      await pass(chunk);
    } catch (error) {
      if (!(error instanceof ClosedPipe)) throw error;
    }
  };
}
