import type { Duplex } from 'node:stream';
import type { Domain } from '../../../virt/index.ts';
import { RawTerminal } from '../run/terminal.ts';
import { CommandFailure } from './failure.ts';
import { whileAlive } from './keep-alive.ts';
import type { Session } from './session.ts';

/** Bytes of input that may wait for the guest before we stop reading. */
const PENDING_INPUT_BYTES = 64 * 1024;

/** `^] (Ctrl + ])`. */
function escapeName(character: number): string {
  const letter = String.fromCharCode(character ^ 0x40);
  return character < 0x20 ? `^${letter} (Ctrl + ${letter})` : String.fromCharCode(character);
}

/** Ends the session in order when the process is to end, or when nobody reads what the guest says any more. */
function onSignals(session: Session, leave: () => void): () => void {
  const { events, stdout } = session.context;
  const end = (signal: NodeJS.Signals) => () => {
    session.terminate(signal);
    leave();
  };
  const handlers = (['SIGTERM', 'SIGHUP'] as const).map((signal) => [signal, end(signal)] as const);
  // A program that writes to such a pipe is ended by SIGPIPE, and so are we.
  const lost = end('SIGPIPE');
  for (const [signal, handler] of handlers) events.on(signal, handler);
  stdout.on('error', lost);
  return () => {
    for (const [signal, handler] of handlers) events.off(signal, handler);
    stdout.off('error', lost);
  };
}

/** Passes bytes both ways until the guest's end closes or the user leaves; true: the user left. */
function relay(console: Duplex, session: Session, onTerminal: boolean): Promise<boolean> {
  const { stdin, stdout } = session.context;
  return new Promise((resolve, reject) => {
    // In raw mode Ctrl-C is the guest's; without a terminal it is the way to leave.
    const offInterrupt = session.onInterrupt(() => finish(() => resolve(true)));
    const offSignals = onSignals(session, () => finish(() => resolve(true)));
    let finished = false;
    const finish = (settle: () => void) => {
      // Closing it afterwards is an end too, when the input is somebody else's again.
      if (finished) return;
      finished = true;
      offInterrupt();
      offSignals();
      stdin.off('data', typed);
      stdin.pause();
      settle();
    };
    const typed = (chunk: Uint8Array) => {
      const leave = onTerminal ? chunk.indexOf(session.escape) : -1;
      console.write(leave < 0 ? chunk : chunk.subarray(0, leave));
      if (leave >= 0) finish(() => resolve(true));
      else if (console.writableLength >= PENDING_INPUT_BYTES && !onTerminal) {
        stdin.pause();
        console.once('drain', () => stdin.resume());
      }
    };
    console.once('end', () => finish(() => resolve(false)));
    console.once('close', () => finish(() => resolve(false)));
    console.once('error', (error) => finish(() => reject(error)));
    stdin.on('data', typed);
    stdin.resume();
    console.pipe(stdout, { end: false });
  });
}

/**
 * Connects the terminal with a domain's console until Ctrl-] or the domain's end. Without a terminal what is piped in
 * goes to the guest and what it says comes out, until its end.
 * @param device alias of the device; default: the first console
 * @param flags of ConsoleFlags
 */
export async function attachConsole(domain: Domain, session: Session, device?: string, flags = 0): Promise<void> {
  if (session.scripted) throw new CommandFailure('Cannot run interactive console without a controlling TTY');
  const console = await domain.openConsole(device, flags);
  await session.lendTerminal(async () => {
    const onTerminal = session.context.stdin.isTTY === true;
    session.note(`Connected to domain '${domain.name}'`);
    if (onTerminal) session.note(`Escape character is ${escapeName(session.escape)}`);
    const terminal = onTerminal ? new RawTerminal(session.context) : undefined;
    try {
      await whileAlive(relay(console, session, onTerminal));
    } finally {
      terminal?.restore();
      console.unpipe();
      console.destroy();
      if (onTerminal) session.write('\n');
    }
  });
}
