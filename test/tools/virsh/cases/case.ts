/** What each command shows over `test:///default`, for people and programs, and how it fails. */

import type { Backend } from '../../../../src/virt/index.ts';

/** A command's cases. Lines may hold several commands; the last is the one that is looked at. */
export interface Case {
  /** Line, and all that it shows but the empty line at its end; a pattern where parts of it are not ours. */
  readonly table: readonly [line: string, shown: string | RegExp];
  /** Line (default: that of `table`) and JSON; a function looks at it in its own way. */
  readonly json: readonly [line: string | undefined, value: unknown];
  /** Line, and what it says behind `error: `, each on a line of its own. */
  readonly error: readonly [line: string, ...said: (string | RegExp)[]];
  /** What a backend answers for the first two where the test world cannot. */
  readonly answers?: Partial<Backend>;
}

export const UUID = '6695eb01-f6a4-8304-79aa-97f2502e193f';
export const NO_DOMAIN = "failed to get domain 'nope'";
export const NO_NETWORK = [
  "failed to get network 'nope'",
  "Network not found: no network with matching name 'nope'",
] as const;
export const NO_POOL = [
  "failed to get pool 'nope'",
  /^Storage pool not found: no storage pool with matching name 'nope'$/,
] as const;
export const NO_VOLUME = [
  "failed to get vol 'nope', specifying --pool might help",
  "Storage volume not found: no storage vol with matching path 'nope'",
] as const;
export const V1 = 'vol-create-as default-pool v1 1M; ';
export const P2 = 'pool-define-as p2 dir --target /p2; ';

/** A command about a domain that says one sentence. */
export function says(line: string, sentence: string, more: Record<string, unknown> = { domain: 'test' }): Case {
  const [last = ''] = line.split('; ').slice(-1);
  const [name = ''] = last.split(' ');
  const rest = last.includes('test') ? last.slice(name.length).replace('test', 'nope') : '';
  return {
    table: [line, `${sentence}\n`],
    json: [undefined, { message: sentence, ...more }],
    error: [`${name}${rest}`, NO_DOMAIN],
  };
}

/** A command that has nothing to say. */
export function silent(line: string, error: Case['error']): Case {
  return { table: [line, ''], json: [undefined, {}], error };
}

/** A command that has nothing to show over `test:///default`: what it shows is tested elsewhere. */
export function elsewhere(line: string, ...before: readonly (string | RegExp)[]): Case {
  const [name = ''] = line.split(' ');
  return {
    table: [`${name} --help`, new RegExp(`NAME\\n {4}${name} - `)],
    json: [`help ${name}`, (value: { name: string }) => value.name === name],
    error: [line, ...before],
  };
}

/** A command whose call no backend has: it never shows anything but libvirt's words. */
export interface MissingCase {
  readonly line: string;
  /** What is said behind `error: `, each on a line of its own. */
  readonly said: readonly string[];
}

/** A line and the call that it would need. @param before what is said first */
export function missing(line: string, call: string, ...before: readonly string[]): MissingCase {
  return { line, said: [...before, `this function is not supported by the connection driver: ${call}`] };
}
