#!/usr/bin/env node
import type { Writable } from 'node:stream';
import { runCli } from './cli.ts';

/** Resolves once what was written before has been handed to the system. */
function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve());
  });
}

// A reader that has gone away (`nodevisor run | head`) ends the output; how the process ends is for the command to say.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

const { stdin, stdout, stderr, env } = process;
const code = await runCli(process.argv.slice(2), { stdin, stdout, stderr, env, events: process });
await Promise.all([drained(stdout), drained(stderr)]);
// Not only exitCode: stdin, once read from, would keep the process alive.
process.exit(code);
