import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { CommandFailure, linesOf } from './failure.ts';
import { reasonOf } from './files.ts';
import { message, type Output } from './output.ts';
import type { Session } from './session.ts';

function runEditor(command: string, file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // Through a shell: the variable may hold options too.
    const child = spawn('/bin/sh', ['-c', `${command} "$1"`, 'sh', file], { stdio: 'inherit' });
    child.once('error', (error) => reject(new CommandFailure(`${command}: ${reasonOf(error)}`)));
    child.once('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new CommandFailure(`${command}: ${signal === null ? `exited with ${code}` : `ended by ${signal}`}`));
    });
  });
}

/** Opens the user's editor on a text and returns what it has become. */
export async function editText(text: string, suffix: string, session: Session): Promise<string> {
  const { env } = session.context;
  const command = env['VISUAL'] || env['EDITOR'] || 'vi';
  const directory = await mkdtemp(join(tmpdir(), 'nodevisor-edit-'));
  const file = join(directory, `edit${suffix}`);
  try {
    await writeFile(file, text, { mode: 0o600 });
    await session.lendTerminal(() => runEditor(command, file));
    return await readFile(file, 'utf8');
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const CHOICES = [
  'y - start the editor again',
  'n - throw the changes away',
  'i - turn off validation and try again',
  '? - this help',
].join('\n');

/** What to do about an edit that was refused. */
async function askAgain(session: Session, canSkip: boolean): Promise<'again' | 'discard' | 'skip'> {
  const { stdin, stdout } = session.context;
  if (stdin.isTTY !== true) return 'discard';
  return session.lendTerminal(async () => {
    const asking = createInterface({ input: stdin, output: stdout, terminal: true });
    try {
      for (;;) {
        const answer = (await asking.question(`Failed. Try again? [y,n${canSkip ? ',i' : ''},?]: `)).trim();
        if (answer === 'y') return 'again';
        if (answer === 'n') return 'discard';
        if (answer === 'i' && canSkip) return 'skip';
        session.note(CHOICES);
      }
    } finally {
      asking.close();
    }
  });
}

/** A definition that can be edited. */
export interface Editable {
  /** `Domain 'x'`, as messages begin. */
  readonly title: string;
  read(): Promise<string>;
  /** @param skipValidation the user has asked for that; absent when there is nothing to skip */
  write(xml: string, skipValidation: boolean): Promise<unknown>;
  readonly canSkip: boolean;
}

/** Edits a definition until it is accepted, or the user gives up. */
export async function editDefinition(editable: Editable, session: Session, skipAtFirst = false): Promise<Output> {
  const before = await editable.read();
  let text = before;
  let skip = skipAtFirst;
  let openEditor = true;
  for (;;) {
    if (openEditor) text = await editText(text, '.xml', session);
    if (text === before) return message(`${editable.title} XML configuration not changed.`, { changed: false });
    try {
      if ((await editable.read()) !== before) {
        throw new CommandFailure('the XML configuration was changed by somebody else meanwhile');
      }
      await editable.write(text, skip);
      return message(`${editable.title} XML configuration edited.`, { changed: true });
    } catch (error) {
      const answer = await tellAndAsk(error, session, editable.canSkip && !skip);
      if (answer === 'discard') throw error;
      skip ||= answer === 'skip';
      openEditor = answer === 'again';
    }
  }
}

async function tellAndAsk(error: unknown, session: Session, canSkip: boolean): Promise<'again' | 'discard' | 'skip'> {
  if (session.context.stdin.isTTY === true) for (const line of linesOf(error)) session.note(`error: ${line}`);
  return askAgain(session, canSkip);
}
