import { join } from 'node:path';
import { Completer } from './completer.ts';
import { reportError, runCommands } from './execute.ts';
import { waitForOwnDomains } from './foreground.ts';
import { History } from './history.ts';
import { splitLine } from './line.ts';
import { LineReader } from './line-reader.ts';
import { type Session, stateDirectory } from './session.ts';

const WELCOME = [
  'Welcome to nodevisor, virtual machines for Node.js.',
  '',
  "Type:  'help' for help with commands",
  "       'quit' to quit",
  '',
  '',
].join('\n');

async function runLine(line: string, session: Session): Promise<number | undefined> {
  try {
    const commands = splitLine(line);
    return commands.length === 0 ? undefined : await runCommands(commands, session);
  } catch (error) {
    return reportError(error, session);
  }
}

/** True when the shell should stay: domains would end with it, and the user has not been told yet. */
async function wouldEndDomains(session: Session): Promise<boolean> {
  const own = await session.ownDomains();
  if (own.length === 0) return false;
  const names = own.map(({ name }) => `'${name}'`).join(', ');
  session.note(`${names} would end with this shell. Shut down first, or quit once more.`);
  return true;
}

/** Opens the connection, so that completion has names to offer; a shell without one is still good for `connect`. */
async function openConnection(session: Session): Promise<void> {
  try {
    await session.connection();
  } catch (error) {
    reportError(error, session);
  }
}

async function interact(session: Session, reader: LineReader, history: History): Promise<number> {
  let warned = false;
  for (;;) {
    session.begin();
    const line = await reader.next(session.readOnly ? 'nodevisor > ' : 'nodevisor # ');
    if (line === null) {
      session.write('\n');
      session.quit();
    } else {
      await history.add(line);
      await runLine(line, session);
    }
    if (!session.ended) {
      warned &&= line?.trim() === '';
      continue;
    }
    if (session.terminated !== undefined) return session.terminated;
    // At the end of the input nobody could answer any more.
    if (warned || line === null || !(await wouldEndDomains(session))) return 0;
    warned = true;
    session.stay();
  }
}

/** Runs commands as they are typed on a terminal, until `quit` or Ctrl-D. */
export async function runShell(session: Session): Promise<number> {
  const history = new History(join(stateDirectory(session.context.env), 'history'));
  await history.load();
  session.write(WELCOME);
  await openConnection(session);
  const reader = new LineReader({
    context: session.context,
    completer: new Completer(() => session.openConnection()),
    history,
    onInterrupt: () => session.interrupt(),
  });
  session.lendTerminal = (use) => reader.lend(use);
  try {
    return await interact(session, reader, history);
  } finally {
    reader.close();
    await session.close();
  }
}

/** Runs the commands of a script on standard input. @returns exit status of the last command */
export async function runScript(session: Session): Promise<number> {
  const { context } = session;
  const history = new History('/dev/null');
  const completer = new Completer(() => undefined);
  const reader = new LineReader({ context, completer, history, onInterrupt: () => {} });
  let status = 0;
  try {
    for (;;) {
      const line = await reader.next('');
      if (line === null) break;
      status = (await runLine(line, session)) ?? status;
      if (session.ended) break;
    }
    const ended = await waitForOwnDomains(session);
    return ended === 0 ? status : ended;
  } finally {
    reader.close();
    await session.close();
  }
}
