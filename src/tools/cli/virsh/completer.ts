import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname } from 'node:path';
import { type Connection, ListDomains, ListObjects } from '../../../virt/index.ts';
import { commonOptions } from './arguments.ts';
import { interfacesOf } from './commands/disks.ts';
import type { CommandDef, Completion, OptionDef } from './definition.ts';
import { commandGroups, findCommand } from './groups.ts';
import { quoteWord, splitPartialLine } from './line.ts';

/** What a command line could go on with, and the part of it that is to be replaced. */
export type Completions = readonly [candidates: string[], typed: string];

function optionsOf(command: CommandDef): readonly OptionDef[] {
  return [...command.options, ...commonOptions];
}

/** What the word after these words could be; `words` are those after the command's name. */
function expected(command: CommandDef, words: readonly string[]): OptionDef | undefined {
  const used = new Set<string>();
  let waiting: OptionDef | undefined;
  const free = () =>
    command.options.find(({ name, kind, repeat, named }) => kind !== 'flag' && !named && (repeat || !used.has(name)));
  for (const word of words) {
    if (waiting !== undefined) waiting = undefined;
    else if (word.startsWith('--')) {
      const [name = ''] = word.slice(2).split('=');
      used.add(name);
      const option = optionsOf(command).find((one) => one.name === name);
      if (option !== undefined && option.kind !== 'flag' && !word.includes('=')) waiting = option;
    } else {
      const option = free();
      if (option !== undefined) used.add(option.name);
    }
  }
  return waiting ?? free();
}

async function filesLike(typed: string, onlyDirectories: boolean): Promise<string[]> {
  const at = typed.replace(/^~(?=\/)/, homedir());
  const directory = at.endsWith('/') ? at : dirname(at);
  const prefix = typed.slice(0, typed.lastIndexOf('/') + 1);
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !onlyDirectories || entry.isDirectory())
    .map((entry) => `${prefix}${entry.name}${entry.isDirectory() ? '/' : ''}`);
}

type Lister = (connection: Connection, words: readonly string[]) => Promise<readonly { readonly name: string }[]>;

const listers: Readonly<Record<Exclude<Completion, readonly string[] | 'file' | 'directory' | 'command'>, Lister>> = {
  domain: (connection) => connection.listAllDomains(),
  'active-domain': (connection) => connection.listAllDomains(ListDomains.ACTIVE),
  'inactive-domain': (connection) => connection.listAllDomains(ListDomains.INACTIVE),
  network: (connection) => connection.listAllNetworks(),
  'active-network': (connection) => connection.listAllNetworks(ListObjects.ACTIVE),
  'inactive-network': (connection) => connection.listAllNetworks(ListObjects.INACTIVE),
  pool: (connection) => connection.listAllStoragePools(),
  'active-pool': (connection) => connection.listAllStoragePools(ListObjects.ACTIVE),
  'inactive-pool': (connection) => connection.listAllStoragePools(ListObjects.INACTIVE),
  volume: async (connection) => {
    const pools = await connection.listAllStoragePools(ListObjects.ACTIVE);
    return (await Promise.all(pools.map((pool) => pool.listAllVolumes()))).flat();
  },
  interface: (connection) => connection.listAllInterfaces(),
  'domain-interface': async (connection, [domain = '']) =>
    interfacesOf(await (await connection.lookupByName(domain)).getXMLDesc()).flatMap(({ target, mac }) => {
      const name = target ?? mac;
      return name === undefined ? [] : [{ name }];
    }),
  'node-device': (connection) => connection.listAllNodeDevices(),
  snapshot: async (connection, [domain = '']) => (await connection.lookupByName(domain)).listAllSnapshots(),
};

/** Completes lines of the shell from the commands' table and from what there is on the connection. */
export class Completer {
  readonly #connection: () => Promise<Connection> | undefined;

  /** @param connection the one that is open, if one is */
  constructor(connection: () => Promise<Connection> | undefined) {
    this.#connection = connection;
  }

  /** What the line could go on with. Never throws: what cannot be found out is not offered. */
  async complete(line: string): Promise<Completions> {
    const { commands, inWord, wordStart, openQuote } = splitPartialLine(line);
    const words = [...(commands.at(-1) ?? [])];
    const word = inWord ? (words.pop() ?? '') : '';
    const typed = line.slice(wordStart);
    // What is typed with quotes or backslashes would have to be put back the same way.
    if (openQuote !== undefined || typed !== word) return [[], typed];
    const candidates = await this.#candidates(words, word).catch(() => []);
    const hits = [...new Set(candidates)].filter((candidate) => candidate.startsWith(word)).sort();
    const [only] = hits;
    if (hits.length === 1 && only !== undefined) return [[only.endsWith('/') ? only : `${quoteWord(only)} `], typed];
    return [hits, typed];
  }

  async #candidates(words: readonly string[], word: string): Promise<readonly string[]> {
    const [name, ...rest] = words;
    if (name === undefined) return commandNames();
    const command = findCommand(name);
    if (command === undefined) return [];
    const option = expected(command, rest);
    const waits = rest.at(-1) === `--${option?.name}`;
    if (word.startsWith('-') && !waits) {
      return optionsOf(command)
        .filter((one) => one.repeat || !rest.includes(`--${one.name}`))
        .map((one) => `--${one.name}`);
    }
    return option?.complete === undefined ? [] : this.#values(option.complete, word, rest);
  }

  async #values(complete: Completion, word: string, words: readonly string[]): Promise<readonly string[]> {
    if (typeof complete !== 'string') return complete;
    if (complete === 'command') return [...commandNames(), ...commandGroups.map(({ keyword }) => keyword)];
    if (complete === 'file' || complete === 'directory') return filesLike(word, complete === 'directory');
    const connection = await this.#connection();
    if (connection === undefined) return [];
    const found = await listers[complete](connection, words);
    return found.map(({ name }) => name);
  }
}

function commandNames(): readonly string[] {
  return commandGroups.flatMap(({ commands }) => commands.map(({ name }) => name));
}
