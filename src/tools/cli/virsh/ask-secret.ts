import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { CommandFailure } from './failure.ts';
import type { Session } from './session.ts';

/** Reads a line from the terminal that is not shown there. */
export async function askSecret(prompt: string, session: Session): Promise<string> {
  const { stdin, stdout } = session.context;
  if (stdin.isTTY !== true) throw new CommandFailure('Failed to read secret');
  return session.lendTerminal(async () => {
    const nowhere = new Writable({ write: (_bytes, _encoding, done) => done() });
    const asking = createInterface({ input: stdin, output: nowhere, terminal: true });
    try {
      stdout.write(prompt);
      return await asking.question('');
    } finally {
      asking.close();
      stdout.write('\n');
    }
  });
}
