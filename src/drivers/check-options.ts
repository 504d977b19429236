import { VirtError } from '../util/index.ts';
import type { MachineOptions } from './create-machine.ts';

/** Says what is wrong with a value, as the end of a sentence that begins with it; undefined: nothing. */
type Check = (value: unknown) => string | undefined;

const must =
  (holds: (value: unknown) => boolean, otherwise: string): Check =>
  (value) =>
    holds(value) ? undefined : otherwise;

const isText = (value: unknown): value is string => typeof value === 'string';
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isFile = (value: unknown): boolean =>
  isText(value) || value instanceof Uint8Array || (value instanceof URL && value.protocol === 'file:');
/** An object with at least these methods. */
const has = (value: unknown, ...methods: readonly string[]): boolean =>
  isObject(value) && methods.every((method) => typeof value[method] === 'function');
const isDisk = (value: unknown): boolean =>
  isText(value) || (isObject(value) && (isText(value['file']) || has(value['backend'], 'read', 'write', 'close')));

const file = must(isFile, 'is neither a path, a file: URL nor a Uint8Array');
const text = must(isText, 'is no text');
const number = must((value) => typeof value === 'number', 'is no number');
const list = must(Array.isArray, 'is no array');
const oneOf = (...known: readonly string[]): Check =>
  must(
    (value) => isText(value) && known.includes(value),
    `is neither ${known.map((name) => `'${name}'`).join(' nor ')}`,
  );

/** What each option is by its type; what the values mean is checked where they are used. */
const checks: Readonly<Record<keyof MachineOptions, Check>> = {
  memory: must((value) => typeof value === 'number' || isText(value), 'is neither a number nor a text like 512M'),
  vcpus: number,
  kernel: file,
  initrd: file,
  append: text,
  dtb: file,
  firmware: file,
  disks: list,
  pflash: list,
  cdroms: list,
  nets: list,
  rng: must((value) => typeof value === 'boolean', 'is neither true nor false'),
  virtioConsoles: must((value) => Number.isSafeInteger(value) && Number(value) >= 0, 'is no whole number from 0 on'),
  console: must(
    (value) =>
      value === 'stream' ||
      value === 'none' ||
      (isObject(value) && isText(value['file'])) ||
      has(value, 'connect', 'write', 'close'),
    "is neither 'stream', 'none', { file } nor a character backend",
  ),
  clock: oneOf('host', 'virtual'),
  cpuBackend: text,
  seed: must(Number.isSafeInteger, 'is no whole number'),
  onReset: oneOf('restart', 'exit'),
  logger: must((value) => has(value, 'log'), 'is no logger: it has no method log'),
};

/** The same for the elements of those that are lists. */
const elements: Readonly<Record<string, Check>> = {
  disks: must(isDisk, 'is neither a path, { file } nor { backend } with a block backend'),
  pflash: must((value) => isObject(value) && isText(value['file']), 'is no { file }'),
  cdroms: must((value) => isObject(value) && (value['file'] === undefined || isText(value['file'])), 'is no { file }'),
  nets: must(isObject, 'is no object'),
};

function show(value: unknown): string {
  if (isText(value)) return `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`;
  if (Array.isArray(value)) return 'an array';
  if (value instanceof URL) return `the URL ${value.href}`;
  if (typeof value === 'function') return 'a function';
  return isObject(value) ? 'an object' : String(value);
}

function check(name: string, value: unknown, is: Check | undefined): void {
  const wrong = is?.(value);
  if (wrong === undefined) return;
  throw new VirtError('INVALID_ARG', `option ${name}: ${show(value)} ${wrong}`, { data: { option: name } });
}

/**
 * Checks the types of options, for callers in plain JavaScript; `undefined` is as good as absent. Throws INVALID_ARG
 * with one sentence on the first that is wrong or that there is not.
 */
export function checkOptions(options: unknown): void {
  if (!isObject(options)) throw new VirtError('INVALID_ARG', `options of a machine: ${show(options)} is no object`);
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(checks, name)) {
      const known = Object.keys(checks).join(', ');
      throw new VirtError('INVALID_ARG', `there is no option '${name}': there are ${known}`, {
        data: { option: name },
      });
    }
    if (value === undefined) continue;
    check(name, value, checks[name as keyof MachineOptions]);
    const element = elements[name];
    if (element !== undefined)
      for (const [i, item] of (value as unknown[]).entries()) check(`${name}[${i}]`, item, element);
  }
}
