#!/usr/bin/env node
import type { Writable } from 'node:stream';
import { runCli } from './cli.ts';
import { ExitCode } from './command.ts';

/** Resolves once what was written before has been handed to the system. */
function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve());
  });
}

// A reader that has gone away (`nodevisor run | head`) ends the output; how the process ends is for the command to say.
let unwritten: NodeJS.ErrnoException | undefined;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') unwritten ??= error;
});
process.stderr.on('error', () => {});

const { stdin, stdout, stderr, env } = process;
const code = await runCli(process.argv.slice(2), { stdin, stdout, stderr, env, events: process });
await drained(stdout);
if (unwritten !== undefined) stderr.write(`nodevisor: cannot write to standard output: ${unwritten.message}\n`);
await drained(stderr);
// Not only exitCode: stdin, once read from, would keep the process alive.
process.exit(unwritten !== undefined && code === ExitCode.OK ? ExitCode.FAILURE : code);
