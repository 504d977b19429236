import type { Duplex } from 'node:stream';
import type { Connection } from '../../src/index.ts';
import { until } from '../virt/backend-contract.ts';

/** A domain's shell over its console. */
export class Shell {
  readonly #stream: Duplex;
  #text = '';

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      this.#text += text;
    });
    stream.on('error', () => {});
  }

  /** Connects to the console of a domain, and waits for its shell. */
  static async of(connection: Connection, name: string): Promise<Shell> {
    const shell = new Shell(await (await connection.lookupByName(name)).openConsole());
    shell.#stream.write('\n');
    await until(() => shell.#text.includes('~ # '), `the shell of ${name}: …${shell.#text.slice(-500)}`, 60);
    return shell;
  }

  /** Runs a command; what it printed. */
  async run(command: string): Promise<string> {
    this.#text = '';
    this.#stream.write(`${command}; echo en""d=$?\n`);
    const ended = /end=\d+\r?\n/;
    await until(() => ended.test(this.#text), `'${command}' ends: …${this.#text.slice(-500)}`, 60);
    return this.#text;
  }

  /** Runs a command until it succeeds. */
  async insist(command: string): Promise<void> {
    await until(async () => /end=0\r?\n/.test(await this.run(command)), `${command} succeeds`, 60);
  }
}
