import type { Duplex } from 'node:stream';
import type { Context } from '../command.ts';
import { ESCAPE_HELP, EscapeFilter, RawTerminal } from './terminal.ts';

/** The connection between a machine's serial port and our standard streams. */
export interface ConsoleLink {
  /** Ends it: resolves once the guest's last output has been written. Restores the terminal at once. */
  close(): Promise<void>;
}

/** Bytes of input that may wait for the guest before we stop reading. */
const PENDING_INPUT_BYTES = 64 * 1024;

/** Writes the guest's output; holds the guest back while our reader is slow. */
function pipeOutput(serial: Duplex, { stdout }: Context, lost: () => void): Promise<void> {
  return new Promise((resolve) => {
    serial.once('close', resolve);
    serial.once('end', resolve);
    stdout.once('error', () => {
      // Whoever read our output has gone: what the guest still says goes nowhere, but it does not wait.
      serial.resume();
      lost();
    });
    serial.pipe(stdout, { end: false });
  });
}

/** What may happen on our side of a console. */
export interface ConsoleEvents {
  /** The user asked for the machine's end: Ctrl-A X. */
  quit(): void;
  /** Nobody reads our output any more. */
  lost(): void;
}

/**
 * Connects a serial port with the standard streams. On a terminal: raw mode and the Ctrl-A keys. Else the input is what
 * is piped in; its end is not the machine's.
 */
export function connectConsole(serial: Duplex, context: Context, events: ConsoleEvents): ConsoleLink {
  const { stdin, stderr } = context;
  const filter = new EscapeFilter({ end: () => events.quit(), help: () => stderr.write(`\r\n${ESCAPE_HELP}\r\n`) });
  const terminal = stdin.isTTY ? new RawTerminal(context) : undefined;
  const typed = (chunk: Uint8Array) => {
    serial.write(terminal === undefined ? chunk : filter.feed(chunk));
    if (serial.writableLength < PENDING_INPUT_BYTES || terminal !== undefined) return;
    stdin.pause();
    serial.once('drain', () => stdin.resume());
  };
  stdin.on('data', typed);
  const output = pipeOutput(serial, context, () => events.lost());
  return {
    async close(): Promise<void> {
      terminal?.restore();
      stdin.off('data', typed);
      stdin.pause();
      await output;
    },
  };
}
